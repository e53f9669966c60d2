import { expect, test } from "vitest";
import { byWindow, mapOfWindows, rowByRow } from "./windows.ts";

const extent = (height: number, width: number) => ({ height, width });

test("windows hold every cell once; padding comes at the bottom and at the right", () => {
  const order = byWindow(extent(5, 4), extent(2, 3), extent(1, 1));
  expect(order).toHaveLength(6 * 6);
  expect(order.filter((cell) => cell >= 0).sort((a, b) => a - b)).toEqual(rowByRow(extent(5, 4)));
  // The first window begins one cell down and to the right, the last holds what was rolled out at the top.
  expect(order.slice(0, 6)).toEqual([5, 6, 7, 9, 10, 11]);
  expect(order.slice(24, 30)).toEqual([1, 2, 3, -1, -1, -1]);
});

test("windows of another size make another map", () => {
  expect(mapOfWindows(extent(64, 64), extent(14, 14), extent(10, 10))).toEqual(extent(50, 50));
  expect(mapOfWindows(extent(6, 9), extent(3, 3), extent(2, 1))).toEqual(extent(4, 3));
});
