// Nearest neighbours, exactly: every row is compared with every example, in float64.
import { UsageError } from "../errors.ts";
import { type FeatureMatrix, requireWidth, rowOf, unitRows } from "./feature-matrix.ts";

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

/**
 * @param k at most the number of examples
 * @param skipSelf the rows are the examples, and none is its own neighbour
 * @throws UsageError when `k` is not a number of examples, or widths differ
 */
export function nearest(
  features: FeatureMatrix,
  examples: FeatureMatrix,
  k: number,
  metric: Metric,
  skipSelf = false,
): Nearest {
  requireWidth(features, examples.width, "the examples");
  const most = examples.rows - Number(skipSelf);
  if (!Number.isInteger(k) || k < 1 || k > most)
    throw new UsageError(`${k} neighbours of ${most} examples`, `k is a whole number from 1 to ${most}`);
  const distanceTo = metric === "cosine" ? cosineDistances(examples) : euclideanDistances(examples);
  const queries = metric === "cosine" ? unitRows(features) : { ...features, data: new Float64Array(features.data) };
  const indices = new Int32Array(features.rows * k);
  const distances = new Float64Array(features.rows * k);
  const all = new Float64Array(examples.rows);
  for (let row = 0; row < features.rows; row++) {
    distanceTo(rowOf(queries, row) as Float64Array, all);
    if (skipSelf) all[row] = Number.POSITIVE_INFINITY;
    smallest(all, k, indices.subarray(row * k, (row + 1) * k));
    for (let i = row * k; i < (row + 1) * k; i++) distances[i] = all[indices[i]!]!;
  }
  return { k, indices, distances };
}

type Distances = (query: Float64Array, out: Float64Array) => void;

function cosineDistances(examples: FeatureMatrix): Distances {
  const { rows, width, data } = unitRows(examples);
  return (query, out) => {
    for (let row = 0, at = 0; row < rows; row++) {
      let dot = 0;
      for (let i = 0; i < width; i++, at++) dot += query[i]! * data[at]!;
      out[row] = 1 - dot;
    }
  };
}

function euclideanDistances({ rows, width, data: given }: FeatureMatrix): Distances {
  const data = new Float64Array(given);
  return (query, out) => {
    for (let row = 0, at = 0; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < width; i++, at++) sum += (query[i]! - data[at]!) ** 2;
      out[row] = Math.sqrt(sum);
    }
  };
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
 * Each class's share of the neighbours' votes.
 *
 * @param weights "uniform": a vote each; "distance": 1 / distance, and those at distance 0 alone where there are any
 * @returns (rows, classes)
 */
export function votes(
  { k, indices, distances }: Nearest,
  targets: Int32Array,
  classes: number,
  weights: "uniform" | "distance" = "uniform",
): Float64Array {
  const rows = indices.length / k;
  const shares = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const near = distances.subarray(row * k, (row + 1) * k);
    const same = near.includes(0);
    let total = 0;
    for (let i = 0; i < k; i++) {
      const weight = weights === "uniform" ? 1 : same ? Number(near[i] === 0) : 1 / near[i]!;
      shares[row * classes + targets[indices[row * k + i]!]!]! += weight;
      total += weight;
    }
    for (let c = row * classes; c < (row + 1) * classes; c++) shares[c]! /= total;
  }
  return shares;
}
