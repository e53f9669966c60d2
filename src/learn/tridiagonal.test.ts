// What rows that repeat leave behind: rounding, rounding of rounding and so on, down to numbers whose squares are none any more.
import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { multiply, multiplyTransposed } from "./dense.ts";
import { tridiagonalize } from "./tridiagonal.ts";

test.each([1e-16, 1e-30, 1e-45, 1e40])(
  "a matrix whose rows shrink or grow by %s each is turned all the same",
  (step) => {
    const size = 8;
    const random = new RandomSource(1, "matrix");
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++)
      for (let j = 0; j <= i; j++) {
        const value = random.normal() * Math.min(1e120, step ** Math.max(i, j));
        matrix[i * size + j] = value;
        matrix[j * size + i] = value;
      }
    const before = matrix.slice();
    const { form, rotation } = tridiagonalize(matrix, size);
    expect([...form.diagonal, ...form.offDiagonal].every(Number.isFinite)).toBe(true);
    // Q is orthogonal, and QᵀAQ is T, up to rounding of the largest entry.
    const identity = multiplyTransposed(rotation, rotation, size, size, size);
    identity.forEach((value, i) => {
      expect(value).toBeCloseTo(i % (size + 1) === 0 ? 1 : 0, 12);
    });
    const turned = multiplyTransposed(rotation, multiply(before, rotation, size, size, size), size, size, size);
    const largest = before.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    turned.forEach((value, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      const wanted = i === j ? form.diagonal[i]! : Math.abs(i - j) === 1 ? form.offDiagonal[Math.min(i, j)]! : 0;
      expect((value - wanted) / largest).toBeCloseTo(0, 12);
    });
  },
);
