// The heavy products of every fit, behind one interface: here in plain float64; an engine may do them for large problems.
import { gramMatrix, multiply, multiplyTransposed } from "./dense.ts";
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
  /** Rows [from, to) of X, copied. (to - from, width) */
  copyRows(from: number, to: number): Promise<Float64Array>;
  dispose(): Promise<void>;
}

/** Holds features, and makes of them what fits begin with. */
export interface FeatureProducts extends Products {
  /** (X - 1 cᵀ)ᵀ (X - 1 cᵀ), both triangles. @param center (width) @returns (width, width) */
  gram(center: Float64Array): Promise<Float64Array>;
  /** Holds (X - 1 cᵀ) Q. @param center (width) @param rotation (width, width) */
  rotated(center: Float64Array, rotation: Float64Array): Promise<Products>;
}

/** Makes the products of features. */
export type ProductsOf = (features: FeatureMatrix, signal?: AbortSignal) => Promise<FeatureProducts>;

/** Float64 in plain TypeScript: exact, and quick enough for a few thousand rows. */
export const plainProducts: ProductsOf = async ({ rows, width, data }) =>
  new PlainProducts(rows, width, data instanceof Float64Array ? data : new Float64Array(data));

class PlainProducts implements FeatureProducts {
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

  async copyRows(from: number, to: number): Promise<Float64Array> {
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
