// What every linear head needs of a set of features, found once: X centred and turned so that XᵀX is tridiagonal. Heads differ in their losses
// and strengths; with this, a whole grid of them costs little more than one. Fewer rows than features are turned into the space that the rows
// span, where nothing is lost: weights outside it would only be penalised.
import { multiply, multiplyTransposed } from "./dense.ts";
import { type FeatureMatrix, featureMatrix, meanRow } from "./feature-matrix.ts";
import { type Products, type ProductsOf, plainProducts } from "./products.ts";
import { breathe } from "./stop.ts";
import { reflection, type Tridiagonal, tridiagonalize } from "./tridiagonal.ts";

/** An orthogonal map B, so that for centred features F = (X - 1 meanᵀ) B the product FᵀF is tridiagonal. */
export interface TridiagonalSpace {
  readonly features: FeatureMatrix;
  /** (features.width) */
  readonly mean: Float64Array;
  /** FᵀF. */
  readonly form: Tridiagonal;
  /** Bᵀ x for columns x. (features.width, columns) -> (form.size, columns) */
  turn(vectors: Float64Array, columns: number): Float64Array;
  /** B w: weights for F become weights for X. (form.size, columns) -> (features.width, columns) */
  turnBack(weights: Float64Array, columns: number): Float64Array;
}

export interface PreparedFeatures extends TridiagonalSpace {
  /** F, (rows, form.size). */
  readonly turned: Products;
}

export interface PrepareOptions {
  /** Who multiplies. Default: plain TypeScript. */
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal | undefined;
}

/** Prepares features for any number of linear heads. They must be finite. Dispose of `turned` afterwards. */
export async function prepareFeatures(
  features: FeatureMatrix,
  options: PrepareOptions = {},
): Promise<PreparedFeatures> {
  return withSpace(features, options, async (space, rotate) => ({ ...space, turned: await rotate() }));
}

/** The space alone. */
export function tridiagonalSpace(features: FeatureMatrix, options: PrepareOptions = {}): Promise<TridiagonalSpace> {
  return withSpace(features, options, async (space) => space);
}

async function withSpace<T>(
  features: FeatureMatrix,
  { products = plainProducts, signal }: PrepareOptions,
  use: (space: TridiagonalSpace, rotate: () => Promise<Products>) => Promise<T>,
): Promise<T> {
  const mean = meanRow(features);
  await breathe(signal);
  const rowSpace = features.rows < features.width ? spanOfRows(features, mean) : undefined;
  await breathe(signal);
  const base = rowSpace?.coordinates ?? features;
  const center = rowSpace === undefined ? mean : new Float64Array(base.width);
  const held = await products(base, signal);
  try {
    const gram = await held.gram(center);
    await breathe(signal);
    const space = { features, ...spaceOf(mean, gram, base.width, rowSpace) };
    await breathe(signal);
    return await use(space, () => held.rotated(center, space.rotation));
  } finally {
    await held.dispose();
  }
}

/** The space of features of which only the mean and the centred XᵀX are known; the latter (width, width) is overwritten. */
export function spaceOfMoments(mean: Float64Array, gram: Float64Array): Omit<TridiagonalSpace, "features"> {
  return spaceOf(mean, gram, mean.length, undefined);
}

function spaceOf(
  mean: Float64Array,
  gram: Float64Array,
  size: number,
  rowSpace: RowSpace | undefined,
): Omit<TridiagonalSpace, "features"> & { readonly rotation: Float64Array } {
  const { form, rotation } = tridiagonalize(gram, size);
  return {
    mean,
    form,
    rotation,
    turn: (vectors, columns) =>
      multiplyTransposed(rotation, rowSpace?.project(vectors, columns) ?? vectors, size, size, columns),
    turnBack: (weights, columns) => {
      const back = multiply(rotation, weights, size, size, columns);
      return rowSpace?.embed(back, columns) ?? back;
    },
  };
}

interface RowSpace {
  /** Of every centred row. (rows, rows) */
  readonly coordinates: FeatureMatrix;
  /** Qᵀ x. (width, columns) -> (rows, columns) */
  project(vectors: Float64Array, columns: number): Float64Array;
  /** Q w. (rows, columns) -> (width, columns) */
  embed(weights: Float64Array, columns: number): Float64Array;
}

/** Centred rows = L Qᵀ with Q orthonormal (Householder), L lower triangular: the rows' coordinates in the space that they span. */
function spanOfRows({ rows, width, data }: FeatureMatrix, mean: Float64Array): RowSpace {
  const work = new Float64Array(rows * width);
  for (let row = 0, at = 0; row < rows; row++) for (let i = 0; i < width; i++, at++) work[at] = data[at]! - mean[i]!;
  const factors = new Float64Array(rows);
  const coordinates = new Float64Array(rows * rows);
  for (let k = 0; k < rows; k++) {
    const vector = work.subarray(k * width, (k + 1) * width);
    coordinates.set(vector.subarray(0, k), k * rows);
    const { factor, image } = reflection(vector, k, width);
    factors[k] = factor;
    coordinates[k * rows + k] = image;
    for (let row = k + 1; row < rows; row++) reflectRow(work, row * width, vector, k, factor);
  }
  return {
    coordinates: featureMatrix(rows, rows, coordinates),
    project: (vectors, columns) => {
      const out = new Float64Array(vectors);
      for (let k = 0; k < rows; k++) reflectColumns(out, columns, work, k, width, factors[k]!);
      return out.slice(0, rows * columns);
    },
    embed: (weights, columns) => {
      const out = new Float64Array(width * columns);
      out.set(weights);
      for (let k = rows - 1; k >= 0; k--) reflectColumns(out, columns, work, k, width, factors[k]!);
      return out;
    },
  };
}

function reflectRow(work: Float64Array, at: number, vector: Float64Array, from: number, factor: number): void {
  if (factor === 0) return;
  let along = 0;
  for (let i = from; i < vector.length; i++) along += vector[i]! * work[at + i]!;
  along *= factor;
  for (let i = from; i < vector.length; i++) work[at + i] = work[at + i]! - along * vector[i]!;
}

/** The reflection whose vector is row `k` of `vectors`, on every column. */
function reflectColumns(
  matrix: Float64Array,
  columns: number,
  vectors: Float64Array,
  k: number,
  width: number,
  factor: number,
): void {
  if (factor === 0) return;
  const along = new Float64Array(columns);
  for (let i = k; i < width; i++) {
    const v = factor * vectors[k * width + i]!;
    for (let c = 0; c < columns; c++) along[c] = along[c]! + v * matrix[i * columns + c]!;
  }
  for (let i = k; i < width; i++) {
    const v = vectors[k * width + i]!;
    for (let c = 0; c < columns; c++) matrix[i * columns + c] = matrix[i * columns + c]! - v * along[c]!;
  }
}
