// The heavy products of every fit, behind one interface: here in plain float64; an engine may do them for large problems.
import type { FeatureMatrix } from "./feature-matrix.ts";

/** Holds one matrix X (rows, width) and multiplies with it. All matrices are row-major. */
export interface Products {
  readonly rows: number;
  readonly width: number;
  /** How exactly it multiplies: solvers stop where rounding makes further steps pointless. */
  readonly precision: "float32" | "float64";
  /** X W. @param weights (width, columns) @returns (rows, columns) */
  times(weights: Float64Array, columns: number): Promise<Float64Array>;
  /** Xᵀ R. @param values (rows, columns) @returns (width, columns) */
  transposeTimes(values: Float64Array, columns: number): Promise<Float64Array>;
  /** (X - 1 cᵀ)ᵀ (X - 1 cᵀ), both triangles. @param center (width) @returns (width, width) */
  gram(center: Float64Array): Promise<Float64Array>;
  /** Holds (X - 1 cᵀ) Q. @param center (width) @param rotation (width, width) */
  rotated(center: Float64Array, rotation: Float64Array): Promise<Products>;
  /** Rows [from, to) of X, copied. (to - from, width) */
  copyRows(from: number, to: number): Float64Array;
  dispose(): Promise<void>;
}

/** Makes the products of a matrix. */
export type ProductsOf = (features: FeatureMatrix, signal?: AbortSignal) => Promise<Products>;

/** Float64 in plain TypeScript: exact, and quick enough for a few thousand rows. */
export const plainProducts: ProductsOf = async ({ rows, width, data }) =>
  new PlainProducts(rows, width, data instanceof Float64Array ? data : new Float64Array(data));

class PlainProducts implements Products {
  readonly precision = "float64";
  readonly rows: number;
  readonly width: number;
  readonly #data: Float64Array;

  constructor(rows: number, width: number, data: Float64Array) {
    this.rows = rows;
    this.width = width;
    this.#data = data;
  }

  async times(weights: Float64Array, columns: number): Promise<Float64Array> {
    return multiply(this.#data, weights, this.rows, this.width, columns);
  }

  async transposeTimes(values: Float64Array, columns: number): Promise<Float64Array> {
    return multiplyTransposed(this.#data, values, this.rows, this.width, columns);
  }

  async gram(center: Float64Array): Promise<Float64Array> {
    return gramMatrix(this.#centered(center), this.rows, this.width);
  }

  async rotated(center: Float64Array, rotation: Float64Array): Promise<Products> {
    const turned = multiply(this.#centered(center), rotation, this.rows, this.width, this.width);
    return new PlainProducts(this.rows, this.width, turned);
  }

  copyRows(from: number, to: number): Float64Array {
    return this.#data.slice(from * this.width, to * this.width);
  }

  async dispose(): Promise<void> {}

  #centered(center: Float64Array): Float64Array {
    const centered = new Float64Array(this.#data);
    for (let row = 0, at = 0; row < this.rows; row++)
      for (let i = 0; i < this.width; i++, at++) centered[at]! -= center[i]!;
    return centered;
  }
}

/** Sizes of the tiles that stay in a core's first cache while all rows go past. */
const TILE = 64;

/** A B. @param a (rows, inner) @param b (inner, columns) @returns (rows, columns) */
export function multiply(
  a: Float64Array | Float32Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let left = 0; left < columns; left += TILE) {
    const right = Math.min(left + TILE, columns);
    for (let top = 0; top < inner; top += TILE) {
      const bottom = Math.min(top + TILE, inner);
      for (let row = 0; row < rows; row++)
        multiplyTile(a, b, out, row * inner, row * columns, columns, top, bottom, left, right);
    }
  }
  return out;
}

/** out[row, left..right] += a[row, top..bottom] b[top..bottom, left..right], four rows of b at a time. */
function multiplyTile(
  a: Float64Array | Float32Array,
  b: Float64Array,
  out: Float64Array,
  aRow: number,
  outRow: number,
  columns: number,
  top: number,
  bottom: number,
  left: number,
  right: number,
): void {
  let k = top;
  for (; k + 4 <= bottom; k += 4) {
    const a0 = a[aRow + k]!;
    const a1 = a[aRow + k + 1]!;
    const a2 = a[aRow + k + 2]!;
    const a3 = a[aRow + k + 3]!;
    const b0 = k * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let c = left; c < right; c++)
      out[outRow + c] = out[outRow + c]! + a0 * b[b0 + c]! + a1 * b[b1 + c]! + a2 * b[b2 + c]! + a3 * b[b3 + c]!;
  }
  for (; k < bottom; k++) {
    const a0 = a[aRow + k]!;
    const b0 = k * columns;
    for (let c = left; c < right; c++) out[outRow + c] = out[outRow + c]! + a0 * b[b0 + c]!;
  }
}

/** Aᵀ B. @param a (rows, width) @param b (rows, columns) @returns (width, columns) */
export function multiplyTransposed(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  width: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(width * columns);
  for (let left = 0; left < columns; left += TILE)
    for (let top = 0; top < width; top += TILE)
      transposedTile(
        a,
        b,
        out,
        rows,
        width,
        columns,
        top,
        Math.min(top + TILE, width),
        left,
        Math.min(left + TILE, columns),
        false,
      );
  return out;
}

/** Aᵀ A, both triangles. @param a (rows, width) @returns (width, width) */
export function gramMatrix(a: Float64Array, rows: number, width: number): Float64Array {
  const out = new Float64Array(width * width);
  for (let top = 0; top < width; top += TILE)
    for (let left = top; left < width; left += TILE)
      transposedTile(
        a,
        a,
        out,
        rows,
        width,
        width,
        top,
        Math.min(top + TILE, width),
        left,
        Math.min(left + TILE, width),
        left === top,
      );
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) out[i * width + j] = out[j * width + i]!;
  return out;
}

/** out[top..bottom, left..right] += aᵀ b over all rows, four at a time; `upper` leaves out what is below the diagonal. */
function transposedTile(
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  rows: number,
  width: number,
  columns: number,
  top: number,
  bottom: number,
  left: number,
  right: number,
  upper: boolean,
): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const a0 = row * width;
    const b0 = row * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let i = top; i < bottom; i++) {
      const x0 = a[a0 + i]!;
      const x1 = a[a0 + width + i]!;
      const x2 = a[a0 + 2 * width + i]!;
      const x3 = a[a0 + 3 * width + i]!;
      const to = i * columns;
      for (let j = upper ? i : left; j < right; j++)
        out[to + j] = out[to + j]! + x0 * b[b0 + j]! + x1 * b[b1 + j]! + x2 * b[b2 + j]! + x3 * b[b3 + j]!;
    }
  }
  for (; row < rows; row++)
    for (let i = top; i < bottom; i++) {
      const x = a[row * width + i]!;
      const to = i * columns;
      for (let j = upper ? i : left; j < right; j++) out[to + j] = out[to + j]! + x * b[row * columns + j]!;
    }
}
