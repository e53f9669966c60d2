import fc from "fast-check";
import { expect, test } from "vitest";
import {
  arrayFromBytes,
  bfloat16ToNumber,
  halfToNumber,
  numberToBfloat16,
  numberToHalf,
  tensor,
  toFloat32,
  toFloat64,
} from "./tensor.ts";

test("half precision: known values", () => {
  expect([0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00].map(halfToNumber)).toEqual([
    0,
    -0,
    1,
    -2,
    65504,
    2 ** -24,
    2 ** -14,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
  expect(halfToNumber(0x7e00)).toBeNaN();
  // Ties go to even, also between subnormals; what is too large becomes infinite.
  expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, 2 ** -25, 1.5 * 2 ** -24].map(numberToHalf)).toEqual([
    0x3c00, 0x3c02, 0x7c00, 0, 2,
  ]);
});

test("every finite half survives a round trip, and so does every bfloat16", () => {
  const broken: number[] = [];
  for (let half = 0; half < 0x10000; half++) {
    const value = halfToNumber(half);
    const wide = bfloat16ToNumber(half);
    if (!Number.isNaN(value) && numberToHalf(value) !== half) broken.push(half);
    if (!Number.isNaN(wide) && numberToBfloat16(wide) !== half) broken.push(half);
  }
  expect(broken).toEqual([]);
});

test("rounding to half is to the nearest", () => {
  fc.assert(
    fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (value) => {
      const half = numberToHalf(value);
      const error = Math.abs(halfToNumber(half) - value);
      for (const neighbour of [half - 1, half + 1]) {
        const other = halfToNumber(neighbour & 0xffff);
        if (Number.isFinite(other)) expect(error).toBeLessThanOrEqual(Math.abs(other - value));
      }
    }),
  );
});

test("conversion of whole tensors", () => {
  expect([...toFloat32(tensor("float16", [3], Uint16Array.of(0x3c00, 0xc000, 0x0001)))]).toEqual([1, -2, 2 ** -24]);
  expect([...toFloat64(tensor("int64", [2], BigInt64Array.of(-5n, 7n)))]).toEqual([-5, 7]);
  const same = Float32Array.of(1, 2);
  expect(toFloat32(tensor("float32", [2], same))).toBe(same);
});

test("unaligned bytes are copied, a Node Buffer's too", () => {
  const buffer = Buffer.from([9, 0, 0, 128, 63]);
  expect([...arrayFromBytes("float32", buffer.subarray(1))]).toEqual([1]);
});

test("lengths and array classes are checked", () => {
  expect(() => tensor("float32", [2, 2], new Float32Array(3))).toThrow(/needs 4 elements, got 3/);
  expect(() => tensor("float32", [1], new Float64Array(1) as unknown as Float32Array)).toThrow(
    /must be a Float32Array/,
  );
});
