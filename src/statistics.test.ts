import { expect, test } from "vitest";
import { spreadOf } from "./statistics.ts";

test("the middle and the quarters, whatever the order; wild values hardly move them", () => {
  expect(spreadOf([5, 1, 3, 2, 4])).toEqual({ median: 3, q1: 2, q3: 4 });
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, q1: 1.75, q3: 3.25 });
  expect(spreadOf([7])).toEqual({ median: 7, q1: 7, q3: 7 });
  expect(spreadOf([10, 2, 100_000, 1, 3]).median).toBe(3);
  // By size, not by text.
  expect(spreadOf([10, 9, 100]).median).toBe(10);
});
