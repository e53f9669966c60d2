// "None of these": scores that are larger the stranger a picture is, and the threshold above which it is called unknown.
import { UsageError } from "../errors.ts";
import { probabilities } from "./calibration.ts";
import { gramMatrix, multiply, transpose } from "./dense.ts";
import { classCounts, type FeatureMatrix, requireWidth, unitRows } from "./feature-matrix.ts";
import { classMeans } from "./heads/nearest-mean.ts";
import { nearest } from "./neighbours.ts";
import { tridiagonalize } from "./tridiagonal.ts";

export const UNKNOWN_SCORES = ["probability", "energy", "neighbours", "mahalanobis"] as const;
export type UnknownScore = (typeof UNKNOWN_SCORES)[number];

/** 1 - the largest probability (Hendrycks and Gimpel, 2017). @param logits (rows, classes) */
export function doubts(logits: Float64Array, classes: number): Float64Array {
  const chances = probabilities(logits, classes);
  return Float64Array.from(
    { length: chances.length / classes },
    (_, row) => 1 - chances.subarray(row * classes, (row + 1) * classes).reduce((a, b) => Math.max(a, b)),
  );
}

/** -log Σ exp(logits) (Liu et al., Energy-Based Out-of-Distribution Detection, 2020). @param logits (rows, classes) */
export function energies(logits: Float64Array, classes: number): Float64Array {
  return Float64Array.from({ length: logits.length / classes }, (_, row) => {
    const of = logits.subarray(row * classes, (row + 1) * classes);
    const largest = of.reduce((a, b) => Math.max(a, b));
    return -largest - Math.log(of.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  });
}

/**
 * The distance to the k-th nearest example, both of length 1 (Sun et al., Out-of-Distribution Detection with Deep Nearest Neighbors, 2022).
 *
 * @param k at most the number of examples; throws UsageError else
 */
export function neighbourDistances(features: FeatureMatrix, examples: FeatureMatrix, k: number): Float64Array {
  const { distances } = nearest(unitRows(features), unitRows(examples), k, "l2");
  return Float64Array.from({ length: features.rows }, (_, row) => distances[row * k + k - 1]!);
}

/** Classes as normal distributions of one covariance, which `whiten` turns to the identity. */
export interface Mahalanobis {
  readonly classes: number;
  readonly width: number;
  /** W with Wᵀ W = covariance⁻¹. (width, width) */
  readonly whiten: Float64Array;
  /** W times each class's mean. (classes, width) */
  readonly means: Float64Array;
}

/**
 * The covariance within classes, over the number of rows (Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, 2018).
 *
 * @param shrinkage 0 to 1: towards a multiple of the identity
 * @throws UsageError when the covariance cannot be inverted
 */
export function fitMahalanobis(
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  shrinkage: number,
): Mahalanobis {
  const { rows, width, data } = features;
  const means = classMeans(features, targets, classes);
  const centered = Float64Array.from(
    data,
    (value, at) => value - means[targets[Math.floor(at / width)]! * width + (at % width)]!,
  );
  const covariance = gramMatrix(centered, rows, width);
  let trace = 0;
  for (let i = 0; i < width; i++) trace += covariance[i * width + i]!;
  for (let at = 0; at < covariance.length; at++) covariance[at]! *= (1 - shrinkage) / rows;
  for (let i = 0; i < width; i++) covariance[i * width + i]! += (shrinkage * trace) / rows / width;
  const whiten = inverseRoot(covariance, width);
  const turned = multiply(means, transpose(whiten, width), classes, width, width);
  return { classes, width, whiten, means: turned };
}

/** W with Wᵀ W = A⁻¹, from A = Q L D Lᵀ Qᵀ: W = D^-½ L⁻¹ Qᵀ. The matrix is overwritten. */
function inverseRoot(matrix: Float64Array, width: number): Float64Array {
  const { form, rotation } = tridiagonalize(matrix, width);
  const rows = transpose(rotation, width);
  const largest = form.diagonal.reduce((a, b) => Math.max(a, b), 0);
  let pivot = 0;
  for (let i = 0; i < width; i++) {
    const lower = i === 0 ? 0 : form.offDiagonal[i - 1]! / pivot;
    const last = (i - 1) * width;
    if (i > 0) for (let j = 0; j < width; j++) rows[i * width + j]! -= lower * rows[last + j]!;
    // The row before is scaled only now, because this one needed it as it was.
    if (i > 0) scaleRow(rows, last, width, 1 / Math.sqrt(pivot));
    pivot = form.diagonal[i]! - (i === 0 ? 0 : lower * form.offDiagonal[i - 1]!);
    if (!(pivot > 1e-12 * largest))
      throw new UsageError(
        `the covariance within classes of ${width} features cannot be inverted`,
        "give a shrinkage above 0, or more pictures",
      );
  }
  scaleRow(rows, (width - 1) * width, width, 1 / Math.sqrt(pivot));
  return rows;
}

function scaleRow(rows: Float64Array, at: number, width: number, factor: number): void {
  for (let j = at; j < at + width; j++) rows[j]! *= factor;
}

/** The nearest class mean's squared distance, and which class it is. */
export interface MahalanobisDistances {
  readonly distances: Float64Array;
  readonly nearest: Int32Array;
}

export function mahalanobisDistances(model: Mahalanobis, features: FeatureMatrix): MahalanobisDistances {
  const { classes, width, whiten } = model;
  requireWidth(features, width, "the covariance");
  const turned = multiply(features.data, transpose(whiten, width), features.rows, width, width);
  const to = productsWithMeans(model, turned);
  const distances = new Float64Array(features.rows).fill(Number.POSITIVE_INFINITY);
  const closest = new Int32Array(features.rows);
  for (let row = 0; row < features.rows; row++)
    for (let c = 0; c < classes; c++) {
      const distance = to.squared(row, c);
      if (distance >= distances[row]!) continue;
      distances[row] = distance;
      closest[row] = c;
    }
  return { distances, nearest: closest };
}

/** Rows and class means as they are to each other, out of two matrix products: with many classes that is most of the work. */
function productsWithMeans({ classes, width, means }: Mahalanobis, turned: Float64Array) {
  const rows = turned.length / width;
  const columns = transpose(means, classes); // (width, classes)
  const withMeans = multiply(turned, columns, rows, width, classes);
  const between = multiply(means, columns, classes, width, classes);
  const lengths = Float64Array.from({ length: rows }, (_, row) => {
    const x = turned.subarray(row * width, (row + 1) * width);
    return dot(x, x);
  });
  const cross = (row: number, c: number) => withMeans[row * classes + c]!;
  return {
    /** |x - m|². Rounding must not make it less than nothing. */
    squared: (row: number, c: number) => Math.max(0, lengths[row]! - 2 * cross(row, c) + between[c * classes + c]!),
    /** (x - m) (x - m'). */
    product: (row: number, c: number, other: number) =>
      lengths[row]! - cross(row, c) - cross(row, other) + between[c * classes + other]!,
  };
}

/**
 * The distances of the rows that a model was fitted to, each by a covariance and class means that have not seen the row: what taking a row out changes is
 * of rank one, so that nothing is fitted again. The multiple of the identity stays that of all rows. A row that is alone in its class is measured against
 * the other classes.
 *
 * @param shrinkage that of the model
 */
export function leftOutDistances(
  model: Mahalanobis,
  features: FeatureMatrix,
  targets: Int32Array,
  shrinkage: number,
): Float64Array {
  const { classes, width, whiten } = model;
  requireWidth(features, width, "the covariance");
  const { rows } = features;
  const counts = classCounts(targets, classes);
  const turned = multiply(features.data, transpose(whiten, width), rows, width, width);
  const to = productsWithMeans(model, turned);
  return Float64Array.from({ length: rows }, (_, row) => {
    const own = targets[row]!;
    const isAlone = counts[own] === 1;
    // Its class's mean without it is so much farther away.
    const farther = isAlone ? 1 : counts[own]! / (counts[own]! - 1);
    const apart = to.squared(row, own);
    const share = ((1 - shrinkage) * farther) / rows;
    // Of the covariance, what the row alone makes: 1 where it is all there is in its direction.
    const left = Math.max(1 - share * apart, 1e-12);
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      const isOwn = c === own;
      if (isOwn && isAlone) continue;
      const away = isOwn ? farther ** 2 * apart : to.squared(row, c);
      const along = isOwn ? farther * apart : to.product(row, c, own);
      const distance = away + (share * along ** 2) / left;
      least = Math.min(least, (distance * (rows - 1)) / rows);
    }
    return least;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * The threshold above which a picture is called unknown, so that at most a rate of the known ones are.
 *
 * @param known scores of pictures that are known, and were not learnt from
 * @param rate 0 to 1
 * @throws UsageError for a rate that is none, and without scores
 */
export function unknownThreshold(known: Float64Array, rate: number): number {
  if (!(rate >= 0 && rate < 1))
    throw new UsageError(
      `${rate} is no rate of false alarms`,
      "give a share of the known pictures: 0.05 is one in twenty",
    );
  if (known.length === 0) throw new UsageError("there are no scores of known pictures to choose a threshold from");
  const sorted = Float64Array.from(known).sort();
  return sorted[sorted.length - 1 - Math.floor(rate * sorted.length)]!;
}
