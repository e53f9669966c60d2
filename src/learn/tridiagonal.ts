// A symmetric matrix turned to three diagonals, A = Q T Qᵀ (Householder; Golub and Van Loan, Matrix Computations, 8.3.1). One such form serves every
// strength of regularisation: a T + s I is solved in a number of steps that only grows with the width.
import { multiply, multiplyTransposed } from "./dense.ts";

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
  // The update by the reflection before, v wᵀ + w vᵀ, is done in the same pass as the product with the next one: memory is what takes time.
  let v: Float64Array = new Float64Array(size);
  let w: Float64Array = new Float64Array(size);
  for (let k = 0; k < size - 1; k++) {
    const next = new Float64Array(size);
    for (let i = k; i < size; i++) next[i] = matrix[i * size + k]! - v[i]! * w[k]! - w[i]! * v[k]!;
    diagonal[k] = next[k]!;
    const { factor, image } = reflection(next, k + 1, size);
    factors[k] = factor;
    offDiagonal[k] = image;
    next[k] = 0;
    const product = updateAndMultiply(matrix, size, k + 1, v, w, next);
    let along = 0;
    for (let i = k + 1; i < size; i++) along += product[i]! * next[i]!;
    const half = (factor * factor * along) / 2;
    for (let i = k + 1; i < size; i++) product[i] = factor * product[i]! - half * next[i]!;
    // Only the lower triangle is kept up to date; the reflections' vectors go into the upper one.
    for (let i = k + 1; i < size; i++) matrix[k * size + i] = next[i]!;
    v = next;
    w = product;
  }
  const last = size - 1;
  if (size > 0) diagonal[last] = matrix[last * size + last]! - 2 * v[last]! * w[last]!;
  return { form: { size, diagonal, offDiagonal }, rotation: productOfReflections(matrix, factors, size) };
}

/** The lower triangle of A[from.., from..] becomes that of A - v wᵀ - w vᵀ. @returns it times x, in [from, size) */
function updateAndMultiply(
  matrix: Float64Array,
  size: number,
  from: number,
  v: Float64Array,
  w: Float64Array,
  x: Float64Array,
): Float64Array {
  const product = new Float64Array(size);
  let i = from;
  // Two rows at a time share what is read of the vectors.
  for (; i + 1 < size; i += 2) {
    const upper = i * size;
    const lower = upper + size;
    const [v0, w0, x0] = [v[i]!, w[i]!, x[i]!];
    const [v1, w1, x1] = [v[i + 1]!, w[i + 1]!, x[i + 1]!];
    let [sum0, sum1] = [0, 0];
    for (let j = from; j < i; j++) {
      const [vj, wj, xj] = [v[j]!, w[j]!, x[j]!];
      const a0 = matrix[upper + j]! - v0 * wj - w0 * vj;
      const a1 = matrix[lower + j]! - v1 * wj - w1 * vj;
      matrix[upper + j] = a0;
      matrix[lower + j] = a1;
      sum0 += a0 * xj;
      sum1 += a1 * xj;
      product[j] = product[j]! + a0 * x0 + a1 * x1;
    }
    const corner0 = matrix[upper + i]! - 2 * v0 * w0;
    const between = matrix[lower + i]! - v1 * w0 - w1 * v0;
    const corner1 = matrix[lower + i + 1]! - 2 * v1 * w1;
    matrix[upper + i] = corner0;
    matrix[lower + i] = between;
    matrix[lower + i + 1] = corner1;
    product[i] = sum0 + corner0 * x0 + between * x1;
    product[i + 1] = sum1 + between * x0 + corner1 * x1;
  }
  if (i < size) {
    const row = i * size;
    let sum = 0;
    for (let j = from; j < i; j++) {
      const a = matrix[row + j]! - v[i]! * w[j]! - w[i]! * v[j]!;
      matrix[row + j] = a;
      sum += a * x[j]!;
      product[j] = product[j]! + a * x[i]!;
    }
    const corner = matrix[row + i]! - 2 * v[i]! * w[i]!;
    matrix[row + i] = corner;
    product[i] = sum + corner * x[i]!;
  }
  return product;
}

/** Fourth powers of what is larger or smaller leave the range of numbers, or nearly. */
const MOST = 1e50;

/**
 * Householder's reflection I - factor v vᵀ that maps x to (image, 0, …, 0). `v` holds x in [from, to) and becomes the reflection's vector.
 */
export function reflection(v: Float64Array, from: number, to: number): { factor: number; image: number } {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(v[i]!));
  if (largest === 0 || (largest <= MOST && largest >= 1 / MOST)) return reflectionInRange(v, from, to);
  // Rows that say the same leave rounding of rounding, 1e-100 and less. A reflection is the same for a vector of any length.
  for (let i = from; i < to; i++) v[i] = v[i]! / largest;
  const { factor, image } = reflectionInRange(v, from, to);
  return { factor, image: image * largest };
}

function reflectionInRange(v: Float64Array, from: number, to: number): { factor: number; image: number } {
  const first = v[from]!;
  let rest = 0;
  for (let i = from + 1; i < to; i++) rest += v[i]! * v[i]!;
  if (rest === 0) return { factor: 0, image: first };
  const length = Math.sqrt(first * first + rest);
  const image = first > 0 ? -length : length;
  v[from] = first - image;
  return { factor: 2 / (v[from]! * v[from]! + rest), image };
}

/** Reflections that are applied together: memory is read once for all of them. */
const TOGETHER = 64;

/**
 * H_0 H_1 … from the vectors in the upper triangle's rows. Blocks of them are I - V S Vᵀ with S upper triangular (Schreiber and Van Loan, A
 * Storage-Efficient WY Representation for Products of Householder Transformations, 1989).
 */
function productOfReflections(vectors: Float64Array, factors: Float64Array, size: number): Float64Array {
  const q = new Float64Array(size * size);
  for (let i = 0; i < size; i++) q[i * size + i] = 1;
  for (let end = size - 1; end > 0; end -= TOGETHER) {
    const first = Math.max(0, end - TOGETHER);
    // What comes later has left everything above and before this corner as it was.
    const corner = first + 1;
    const inner = size - corner;
    const v = reflectionVectors(vectors, size, first, end);
    const part = new Float64Array(inner * inner);
    for (let i = 0; i < inner; i++)
      part.set(q.subarray((corner + i) * size + corner, (corner + i + 1) * size), i * inner);
    const along = multiplyTransposed(v, part, inner, end - first, inner);
    const mixed = multiply(mixingOf(v, factors.subarray(first, end), inner), along, end - first, end - first, inner);
    const change = multiply(v, mixed, inner, end - first, inner);
    for (let i = 0, at = 0; i < inner; i++)
      for (let j = 0, to = (corner + i) * size + corner; j < inner; j++, at++, to++) q[to] = part[at]! - change[at]!;
  }
  return q;
}

/** Vectors of the reflections [first, end) as columns, without the zeros above all of them. (size - first - 1, end - first) */
function reflectionVectors(vectors: Float64Array, size: number, first: number, end: number): Float64Array {
  const count = end - first;
  const columns = new Float64Array((size - first - 1) * count);
  for (let k = first; k < end; k++)
    for (let i = k + 1; i < size; i++) columns[(i - first - 1) * count + k - first] = vectors[k * size + i]!;
  return columns;
}

/** S: column by column from the products of the vectors. (count, count) */
function mixingOf(v: Float64Array, factors: Float64Array, rows: number): Float64Array {
  const count = factors.length;
  const dots = multiplyTransposed(v, v, rows, count, count);
  const mixing = new Float64Array(count * count);
  for (let k = 0; k < count; k++) {
    mixing[k * count + k] = factors[k]!;
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let j = i; j < k; j++) sum += mixing[i * count + j]! * dots[j * count + k]!;
      mixing[i * count + k] = -factors[k]! * sum;
    }
  }
  return mixing;
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
