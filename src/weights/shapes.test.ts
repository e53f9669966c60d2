// Shapes that files claim: what is multiplied, allocated and walked through later must have an end.
import { expect, test } from "vitest";
import { checkedElementCount } from "./shapes.ts";

const count = (shape: readonly unknown[]) => checkedElementCount(shape, "safetensors", "w");

test("honest shapes, with and without elements", () => {
  expect(count([])).toBe(1);
  expect(count([3, 5])).toBe(15);
  expect(count([0])).toBe(0);
  expect(count([0, 1024])).toBe(0);
  expect(count([2 ** 20, 0])).toBe(0);
});

test.each([[[2147483647, 0]], [[2 ** 40, 0]], [[3, 2 ** 33, 0]], [[2 ** 52, 2 ** 52, 0]], [[2 ** 30, 2 ** 30]]])(
  "no element, or too many, but endless dimensions: %j",
  (shape) => {
    expect(() => count(shape)).toThrow(/shape \[/);
  },
);

test.each([[[-1]], [[1.5]], [["3"]], [new Array(65).fill(1)]])("no shape: %j", (shape) => {
  expect(() => count(shape)).toThrow(/w has/);
});
