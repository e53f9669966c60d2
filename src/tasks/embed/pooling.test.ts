import { expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { tensor } from "../../tensor.ts";
import { pooledWidth, poolFeatures } from "./pooling.ts";

/** 0, 1, 2, … */
function counting(...shape: number[]) {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: count }, (_, i) => i),
  );
}
const pool = (value: ReturnType<typeof counting>, how: Parameters<typeof poolFeatures>[2]) =>
  poolFeatures(value, 2, how, "layer").map((vector) => [...vector]);

test("tokens (N, tokens, width)", () => {
  const tokens = counting(2, 3, 2); // 0 1 | 2 3 | 4 5, then the same from 6
  expect(pool(tokens, "mean")).toEqual([
    [2, 3],
    [8, 9],
  ]);
  expect(pool(tokens, "max")).toEqual([
    [4, 5],
    [10, 11],
  ]);
  expect(pool(tokens, "first")).toEqual([
    [0, 1],
    [6, 7],
  ]);
  expect(pool(tokens, "none")[1]).toEqual([6, 7, 8, 9, 10, 11]);
});

test("maps (N, channels, height, width)", () => {
  const map = counting(2, 2, 1, 3); // 0 1 2 | 3 4 5, then the same from 6
  expect(pool(map, "mean")).toEqual([
    [1, 4],
    [7, 10],
  ]);
  expect(pool(map, "max")).toEqual([
    [2, 5],
    [8, 11],
  ]);
  expect(() => pool(map, "first")).toThrow(UsageError);
});

test("vectors, and one number a picture", () => {
  for (const how of ["mean", "max", "none"] as const) {
    expect(pool(counting(2, 2), how)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(pool(counting(2), how)).toEqual([[0], [1]]);
  }
});

test("vectors are copies: none holds on to the values of all", () => {
  for (const how of ["mean", "first", "none"] as const)
    for (const vector of poolFeatures(counting(2, 3, 2), 2, how, "layer"))
      expect(vector.buffer.byteLength).toBe(vector.byteLength);
});

test("what is not a number does not vanish in a maximum", () => {
  const value = counting(2, 3, 1);
  value.data[1] = Number.NaN;
  expect(pool(value, "max")).toEqual([[Number.NaN], [5]]);
});

test("values that do not count pictures, and those of no known kind, are refused", () => {
  expect(() => pool(counting(3, 2), "mean")).toThrow(/gives \[3, 2\] for 2 pictures/);
  expect(() => pool(counting(2, 1, 1, 1, 2), "mean")).toThrow(/gives \[2, 1, 1, 1, 2\], of which there is no mean/);
  expect(pool(counting(2, 1, 1, 1, 2), "none")).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test("the width is known from the shape, where it does not depend on the picture", () => {
  expect(pooledWidth(["batch", 7], "mean")).toBe(7);
  expect(pooledWidth(["batch", "tokens", 8], "mean")).toBe(8);
  expect(pooledWidth(["batch", 16, "h", "w"], "max")).toBe(16);
  expect(pooledWidth(["batch", 3, 8], "none")).toBe(24);
  expect(pooledWidth(["batch", "tokens", 8], "none")).toBeUndefined();
  expect(pooledWidth(["batch", "width"], "mean")).toBeUndefined();
  expect(pooledWidth(undefined, "mean")).toBeUndefined();
});
