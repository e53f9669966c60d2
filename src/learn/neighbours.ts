// Nearest neighbours, exactly: every row is compared with every example.
import { UsageError } from "../errors.ts";
import { multiply, transpose } from "./dense.ts";
import { type FeatureMatrix, requireWidth, rowOf, unitRows } from "./feature-matrix.ts";
import type { ProductsOf } from "./products.ts";
import { breathe } from "./stop.ts";

/** How far rows are apart: 1 - cosine, or Euclidean. */
export const METRICS = ["cosine", "l2"] as const;
export type Metric = (typeof METRICS)[number];

/** The nearest examples of each row, nearest first; of equally near ones those that come first. */
export interface Nearest {
  readonly k: number;
  /** (rows, k) */
  readonly indices: Int32Array;
  /** (rows, k) */
  readonly distances: Float64Array;
}

/** Rows that are compared at once. */
const BLOCK = 256;

/**
 * In float64.
 *
 * @param k at most the number of examples
 * @throws UsageError when `k` is not a number of examples, or widths differ
 */
export function nearest(features: FeatureMatrix, examples: FeatureMatrix, k: number, metric: Metric): Nearest {
  requireWidth(features, examples.width, "the examples");
  requireNeighbours(k, examples.rows);
  const [queries, known] = [comparable(features, metric), comparable(examples, metric)];
  const found = new Found(queries, known, k, metric, false);
  for (let from = 0; from < queries.rows; from += BLOCK) {
    const to = Math.min(from + BLOCK, queries.rows);
    const block = transpose(queries.data.subarray(from * queries.width, to * queries.width), to - from);
    found.take(multiply(known.data, block, known.rows, known.width, to - from), from, to - from);
  }
  return found;
}

/**
 * The nearest other rows of each row. Products may be done elsewhere, with their rounding.
 *
 * @throws UsageError when there are not as many other rows; AbortedError
 */
export async function nearestOthers(
  features: FeatureMatrix,
  k: number,
  metric: Metric,
  { products, signal }: { products: ProductsOf; signal?: AbortSignal | undefined },
): Promise<Nearest> {
  requireNeighbours(k, features.rows - 1);
  const known = comparable(features, metric);
  const found = new Found(known, known, k, metric, true);
  const held = await products(known, signal);
  try {
    for (let from = 0; from < known.rows; from += BLOCK) {
      await breathe(signal);
      const to = Math.min(from + BLOCK, known.rows);
      const block = transpose(known.data.subarray(from * known.width, to * known.width), to - from);
      found.take(await held.times(block, to - from), from, to - from);
    }
  } finally {
    await held.dispose();
  }
  return found;
}

/** @throws UsageError when `k` is not a number of examples */
export function requireNeighbours(k: number, most: number): void {
  if (!Number.isInteger(k) || k < 1 || k > most)
    throw new UsageError(`${k} neighbours of ${most} examples`, `k is a whole number from 1 to ${most}`);
}

type Rows = FeatureMatrix & { readonly data: Float64Array };

function comparable(features: FeatureMatrix, metric: Metric): Rows {
  return metric === "cosine" ? unitRows(features) : { ...features, data: new Float64Array(features.data) };
}

class Found implements Nearest {
  readonly k: number;
  readonly indices: Int32Array;
  readonly distances: Float64Array;
  readonly #queries: Rows;
  readonly #known: Rows;
  readonly #metric: Metric;
  readonly #skipSelf: boolean;
  readonly #lengths: Float64Array;

  constructor(queries: Rows, known: Rows, k: number, metric: Metric, skipSelf: boolean) {
    this.k = k;
    this.indices = new Int32Array(queries.rows * k);
    this.distances = new Float64Array(queries.rows * k);
    this.#queries = queries;
    this.#known = known;
    this.#metric = metric;
    this.#skipSelf = skipSelf;
    this.#lengths = Float64Array.from({ length: known.rows }, (_, row) =>
      metric === "cosine" ? 0 : (rowOf(known, row) as Float64Array).reduce((sum, value) => sum + value * value, 0),
    );
  }

  /** @param dots of all known rows with some of the queries (known.rows, count) */
  take(dots: Float64Array, from: number, count: number): void {
    const far = new Float64Array(this.#known.rows);
    for (let q = 0; q < count; q++) {
      // |x - y|² less |x|², which is the same for all; for cosines half of it.
      for (let row = 0; row < far.length; row++)
        far[row] =
          this.#metric === "cosine" ? -dots[row * count + q]! : this.#lengths[row]! - 2 * dots[row * count + q]!;
      if (this.#skipSelf) far[from + q] = Number.POSITIVE_INFINITY;
      const at = (from + q) * this.k;
      const indices = this.indices.subarray(at, at + this.k);
      smallest(far, this.k, indices);
      indices.forEach((row, i) => {
        this.distances[at + i] = this.#metric === "cosine" ? 1 + far[row]! : this.#apart(from + q, row);
      });
    }
  }

  /** Taken from the difference, so that equal rows are at distance 0. */
  #apart(query: number, row: number): number {
    const { width, data } = this.#known;
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (this.#queries.data[query * width + i]! - data[row * width + i]!) ** 2;
    return Math.sqrt(sum);
  }
}

/** Places of the smallest values, in order, the first of equal ones first. */
function smallest(values: Float64Array, k: number, out: Int32Array): void {
  let filled = 0;
  for (let i = 0; i < values.length; i++) {
    if (filled === k && values[i]! >= values[out[k - 1]!]!) continue;
    let at = filled === k ? k - 1 : filled++;
    for (; at > 0 && values[out[at - 1]!]! > values[i]!; at--) out[at] = out[at - 1]!;
    out[at] = i;
  }
}

/**
 * Each class's share of the votes of the nearest `k` neighbours.
 *
 * @param weights "uniform": a vote each; "distance": 1 / distance, and those at distance 0 alone where there are any
 * @param k default: all that were found
 * @returns (rows, classes)
 */
export function votes(
  found: Nearest,
  targets: Int32Array,
  classes: number,
  weights: "uniform" | "distance" = "uniform",
  k = found.k,
): Float64Array {
  const rows = found.indices.length / found.k;
  const shares = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const start = row * found.k;
    const near = found.distances.subarray(start, start + k);
    const same = near.includes(0);
    let total = 0;
    for (let i = 0; i < k; i++) {
      const weight = weights === "uniform" ? 1 : same ? Number(near[i] === 0) : 1 / near[i]!;
      shares[row * classes + targets[found.indices[start + i]!]!]! += weight;
      total += weight;
    }
    for (let c = row * classes; c < (row + 1) * classes; c++) shares[c]! /= total;
  }
  return shares;
}
