// Pictures on a plane, so that those with like features lie beside each other (UMAP, McInnes, Healy and Melville, 2018).
import { UMAP } from "umap-js";
import type { FeatureMatrix } from "../learn/feature-matrix.ts";
import type { ProductsOf } from "../learn/products.ts";
import { breathe } from "../learn/stop.ts";
import { RandomSource } from "../random.ts";
import { findNeighbours } from "./neighbourhood.ts";

export interface MapOptions {
  readonly seed: number;
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

const NEIGHBOURS = 15;
/** Of fewer pictures there is no neighbourhood to keep. */
const LEAST_PICTURES = 5;

/**
 * Places between 0 and 1, the same for the same features and seed.
 *
 * @param features rows of length 1
 * @returns x and y of each. (rows, 2)
 */
export async function mapFeatures(features: FeatureMatrix, options: MapOptions): Promise<Float32Array> {
  const { rows } = features;
  const { seed, products, signal, onProgress } = options;
  if (rows < LEAST_PICTURES)
    return Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? (i / 2 + 0.5) / rows : 0.5));
  const k = Math.min(NEIGHBOURS - 1, rows - 2);
  const found = await findNeighbours(features, {
    k,
    ...(products === undefined ? {} : { products }),
    ...(signal === undefined ? {} : { signal }),
  });
  const random = new RandomSource(seed, "audit/map");
  const umap = new UMAP({ nNeighbors: k + 1, nComponents: 2, minDist: 0.1, random: () => random.uniform() });
  const rowsOf = (values: ArrayLike<number>, self: (row: number) => number, make: (value: number) => number) =>
    Array.from({ length: rows }, (_, row) => [
      self(row),
      ...Array.from({ length: k }, (_, i) => make(values[row * k + i]!)),
    ]);
  // Each is its own first neighbour, as the algorithm expects.
  umap.setPrecomputedKNN(
    rowsOf(
      found.indices,
      (row) => row,
      (index) => index,
    ),
    rowsOf(
      found.similarities,
      () => 0,
      (similarity) => Math.max(0, 1 - similarity),
    ),
  );
  // With neighbours known, the features themselves are only counted.
  const epochs = umap.initializeFit(Array.from({ length: rows }, (_, row) => [row]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    await breathe(signal);
    umap.step();
    onProgress?.(epoch + 1, epochs);
  }
  return scaled(umap.getEmbedding());
}

/** Into the unit square, with the same scale both ways. */
function scaled(points: readonly (readonly number[])[]): Float32Array {
  const ends = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]!);
    return { low: Math.min(...values), high: Math.max(...values) };
  });
  const span = Math.max(...ends.map(({ low, high }) => high - low), 1e-9);
  return Float32Array.from(
    points.flatMap((point) => ends.map(({ low, high }, axis) => (point[axis]! - (low + high) / 2) / span + 0.5)),
  );
}
