// Comparing an engine's answer with the interpreter's.
import { expect } from "vitest";
import { type TensorData, toFloat64 } from "../src/tensor.ts";

/** Asserts equal dtype and shape, and values within `tolerance` of the expected ones (relative above 1, absolute below). */
export function expectClose(actual: TensorData, expected: TensorData, tolerance: number): void {
  expect(actual.dtype).toBe(expected.dtype);
  expect(actual.shape).toEqual(expected.shape);
  const got = toFloat64(actual);
  const want = toFloat64(expected);
  const at = want.findIndex((value, i) => !(Math.abs(got[i]! - value) <= tolerance * (1 + Math.abs(value))));
  expect(at === -1 ? "equal" : `element ${at} is ${got[at]}, expected ${want[at]}`).toBe("equal");
}
