// A symmetric matrix turned to three diagonals, A = Q T Qᵀ (Householder; Golub and Van Loan, Matrix Computations, 8.3.1). One such form serves every
// strength of regularisation: a T + s I is solved in a number of steps that only grows with the width.

export interface Tridiagonal {
  readonly size: number;
  /** (size) */
  readonly diagonal: Float64Array;
  /** (size): the entry between i and i + 1; the last is 0. */
  readonly offDiagonal: Float64Array;
}

/**
 * @param matrix (size, size), symmetric; it is overwritten
 * @returns T and the orthogonal Q (size, size)
 */
export function tridiagonalize(matrix: Float64Array, size: number): { form: Tridiagonal; rotation: Float64Array } {
  const diagonal = new Float64Array(size);
  const offDiagonal = new Float64Array(size);
  const factors = new Float64Array(size);
  const v = new Float64Array(size);
  const p = new Float64Array(size);
  for (let k = 0; k < size - 1; k++) {
    diagonal[k] = matrix[k * size + k]!;
    // Only the lower triangle is kept up to date; the reflections' vectors go into the upper one.
    for (let i = k + 1; i < size; i++) v[i] = matrix[i * size + k]!;
    const { factor, image } = reflection(v, k + 1, size);
    factors[k] = factor;
    offDiagonal[k] = image;
    for (let i = k + 1; i < size; i++) matrix[k * size + i] = v[i]!;
    if (factor !== 0) reflectBothSides(matrix, size, k + 1, v, factor, p);
  }
  if (size > 0) diagonal[size - 1] = matrix[size * size - 1]!;
  return { form: { size, diagonal, offDiagonal }, rotation: productOfReflections(matrix, factors, size) };
}

/**
 * Householder's reflection I - factor v vᵀ that maps x to (image, 0, …, 0). `v` holds x in [from, to) and becomes the reflection's vector.
 */
export function reflection(v: Float64Array, from: number, to: number): { factor: number; image: number } {
  const first = v[from]!;
  let rest = 0;
  for (let i = from + 1; i < to; i++) rest += v[i]! * v[i]!;
  if (rest === 0) return { factor: 0, image: first };
  const length = Math.sqrt(first * first + rest);
  const image = first > 0 ? -length : length;
  v[from] = first - image;
  return { factor: 2 / (v[from]! * v[from]! + rest), image };
}

/** The lower triangle of A[from.., from..] becomes that of H A H with H = I - factor v vᵀ. */
function reflectBothSides(
  matrix: Float64Array,
  size: number,
  from: number,
  v: Float64Array,
  factor: number,
  p: Float64Array,
): void {
  p.fill(0, from);
  for (let i = from; i < size; i++) {
    const row = i * size;
    const vi = v[i]!;
    let sum = matrix[row + i]! * vi;
    for (let j = from; j < i; j++) {
      const value = matrix[row + j]!;
      sum += value * v[j]!;
      p[j] = p[j]! + value * vi;
    }
    p[i] = p[i]! + sum;
  }
  let along = 0;
  for (let i = from; i < size; i++) along += p[i]! * v[i]!;
  const half = (factor * factor * along) / 2;
  for (let i = from; i < size; i++) p[i] = factor * p[i]! - half * v[i]!;
  for (let i = from; i < size; i++) {
    const row = i * size;
    const vi = v[i]!;
    const pi = p[i]!;
    for (let j = from; j <= i; j++) matrix[row + j] = matrix[row + j]! - vi * p[j]! - pi * v[j]!;
  }
}

/** H_0 H_1 … from the vectors in the upper triangle's rows. */
function productOfReflections(vectors: Float64Array, factors: Float64Array, size: number): Float64Array {
  const q = new Float64Array(size * size);
  for (let i = 0; i < size; i++) q[i * size + i] = 1;
  const sums = new Float64Array(size);
  for (let k = size - 2; k >= 0; k--) {
    if (factors[k] === 0) continue;
    sums.fill(0);
    for (let i = k + 1; i < size; i++) {
      const vi = factors[k]! * vectors[k * size + i]!;
      const row = i * size;
      for (let j = k + 1; j < size; j++) sums[j] = sums[j]! + vi * q[row + j]!;
    }
    for (let i = k + 1; i < size; i++) {
      const vi = vectors[k * size + i]!;
      const row = i * size;
      for (let j = k + 1; j < size; j++) q[row + j] = q[row + j]! - vi * sums[j]!;
    }
  }
  return q;
}

/** Solves (scale T + shift I) x = b for many right-hand sides, each with a scale of its own. */
export class ShiftedSolver {
  readonly #size: number;
  readonly #columns: number;
  /** (size, columns): reciprocal pivots of L D Lᵀ, and the entries of L below the diagonal. */
  readonly #reciprocal: Float64Array;
  readonly #lower: Float64Array;
  /** The smallest pivot relative to the largest: near 0 where a matrix is singular. */
  readonly condition: number;

  /** @param scales (columns) @param shifts (columns) */
  constructor({ size, diagonal, offDiagonal }: Tridiagonal, scales: ArrayLike<number>, shifts: ArrayLike<number>) {
    const columns = scales.length;
    this.#size = size;
    this.#columns = columns;
    const reciprocal = new Float64Array(size * columns);
    const lower = new Float64Array(size * columns);
    let smallest = Number.POSITIVE_INFINITY;
    let largest = 0;
    for (let i = 0, at = 0; i < size; i++)
      for (let c = 0; c < columns; c++, at++) {
        const above = i === 0 ? 0 : scales[c]! * offDiagonal[i - 1]!;
        if (i > 0) lower[at] = above * reciprocal[at - columns]!;
        const pivot = scales[c]! * diagonal[i]! + shifts[c]! - lower[at]! * above;
        smallest = Math.min(smallest, pivot);
        largest = Math.max(largest, pivot);
        reciprocal[at] = 1 / pivot;
      }
    this.#reciprocal = reciprocal;
    this.#lower = lower;
    this.condition = smallest / largest;
  }

  /** @param b (size, columns) @returns x (size, columns) */
  solve(b: Float64Array): Float64Array {
    const columns = this.#columns;
    const x = new Float64Array(b);
    for (let at = columns; at < x.length; at++) x[at] = x[at]! - this.#lower[at]! * x[at - columns]!;
    for (let at = 0; at < x.length; at++) x[at] = x[at]! * this.#reciprocal[at]!;
    for (let at = (this.#size - 1) * columns - 1; at >= 0; at--)
      x[at] = x[at]! - this.#lower[at + columns]! * x[at + columns]!;
    return x;
  }

  /** vᵀ (scale T + shift I)⁻¹ v for every row v. @param vectors (count, size) @returns (count, columns) */
  quadraticForms(vectors: Float64Array): Float64Array {
    const columns = this.#columns;
    const count = vectors.length / this.#size;
    const forms = new Float64Array(count * columns);
    const carried = new Float64Array(columns);
    for (let row = 0; row < count; row++) {
      carried.fill(0);
      for (let i = 0, at = 0; i < this.#size; i++) {
        const value = vectors[row * this.#size + i]!;
        for (let c = 0; c < columns; c++, at++) {
          const u = value - this.#lower[at]! * carried[c]!;
          carried[c] = u;
          forms[row * columns + c]! += u * u * this.#reciprocal[at]!;
        }
      }
    }
    return forms;
  }
}
