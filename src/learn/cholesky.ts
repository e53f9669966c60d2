// Small symmetric systems.

/**
 * A = L Lᵀ.
 *
 * @param matrix (size, size), symmetric
 * @param singular pivots below this share of the largest entry of the diagonal mean that there is no answer
 * @returns L, lower triangular (size, size), or undefined when A is not positive definite
 */
export function cholesky(matrix: Float64Array, size: number, singular = 0): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, matrix[i * size + i]!);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) value -= lower[i * size + k]! * lower[j * size + k]!;
      if (i === j && !(value > singular * largest)) return undefined;
      lower[i * size + j] = i === j ? Math.sqrt(value) : value / lower[j * size + j]!;
    }
  return lower;
}

/** Solves L Lᵀ x = b. @param b (size, columns) @returns x (size, columns) */
export function solveCholesky(lower: Float64Array, size: number, b: Float64Array, columns: number): Float64Array {
  const x = new Float64Array(b);
  for (let i = 0; i < size; i++)
    for (let c = 0; c < columns; c++) {
      let value = x[i * columns + c]!;
      for (let k = 0; k < i; k++) value -= lower[i * size + k]! * x[k * columns + c]!;
      x[i * columns + c] = value / lower[i * size + i]!;
    }
  for (let i = size - 1; i >= 0; i--)
    for (let c = 0; c < columns; c++) {
      let value = x[i * columns + c]!;
      for (let k = i + 1; k < size; k++) value -= lower[k * size + i]! * x[k * columns + c]!;
      x[i * columns + c] = value / lower[i * size + i]!;
    }
  return x;
}
