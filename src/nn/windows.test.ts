import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { trace } from "../graph/scope.ts";
import { tensor, toFloat64 } from "../tensor.ts";
import {
  bySquare,
  byWindow,
  byWindowOfPadded,
  mapOfWindows,
  type Order,
  Reordering,
  rowByRow,
  type TokenGrid,
} from "./windows.ts";

const extent = (height: number, width: number) => ({ height, width });

test("windows hold every cell once; padding comes at the bottom and at the right", () => {
  const order = byWindow(extent(5, 4), extent(2, 3), extent(1, 1));
  expect(order).toHaveLength(6 * 6);
  expect(order.filter((cell) => cell >= 0).sort((a, b) => a - b)).toEqual(rowByRow(extent(5, 4)));
  // The first window begins one cell down and to the right, the last holds what was rolled out at the top.
  expect([...order.slice(0, 6)]).toEqual([5, 6, 7, 9, 10, 11]);
  expect([...order.slice(24, 30)]).toEqual([1, 2, 3, -1, -1, -1]);
});

test.each([
  ["windows, and back", (map) => byWindow(map, extent(2, 3), extent(1, 1)), rowByRow],
  ["windows of a map that is filled up first", (map) => byWindowOfPadded(map, extent(4, 3), extent(2, 1)), rowByRow],
  [
    "moved windows, from still ones",
    (map) => byWindow(map, extent(2, 3)),
    (map) => byWindow(map, extent(2, 3), extent(1, 2)),
  ],
  ["squares, from windows", (map) => byWindow(map, extent(3, 2)), bySquare],
] as [string, (map: TokenGrid) => Order, (map: TokenGrid) => Order][])(
  "%s: every token goes where its cell stands, and padding is zero",
  (_, first, second) => {
    const map = extent(5, 7);
    const [from, to] = [first(map), second(map)];
    const graph = trace((scope) => {
      const reordering = new Reordering(scope.graph);
      const tokens = reordering.to(from, { tokens: scope.graph.input("tokens", [1, 35, 1]), order: rowByRow(map) });
      return { tokens, again: reordering.to(to, { tokens, order: from }) };
    });
    const numbers = Float32Array.from({ length: 35 }, (_, cell) => cell + 1);
    const inputs = { tokens: tensor("float32", [1, 35, 1], numbers) };
    const run = interpret(graph, { inputs, parameters: new Map() });
    expect([...toFloat64(run.get("tokens")!)]).toEqual([...from].map((cell) => cell + 1));
    expect([...toFloat64(run.get("again")!)]).toEqual([...to].map((cell) => cell + 1));
  },
);

test("windows of another size make another map", () => {
  expect(mapOfWindows(extent(64, 64), extent(14, 14), extent(10, 10))).toEqual(extent(50, 50));
  expect(mapOfWindows(extent(6, 9), extent(3, 3), extent(2, 1))).toEqual(extent(4, 3));
});
