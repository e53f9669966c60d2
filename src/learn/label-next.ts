// Which pictures to label next: those that the model is unsure of and that are unlike each other (greedy k-centre: Sener and Savarese, Active Learning
// for Convolutional Neural Networks: A Core-Set Approach, 2018).
import { UsageError } from "../errors.ts";
import { type FeatureMatrix, requireFinite, rowOf, unitRows } from "./feature-matrix.ts";

export const UNCERTAINTIES = ["margin", "entropy"] as const;
/** margin: 1 - (the largest probability - the next). entropy: over that of equal probabilities. Both 0 to 1. */
export type Uncertainty = (typeof UNCERTAINTIES)[number];

/** @param probabilities (rows, classes) @returns 0 (sure) to 1, for each row */
export function uncertainties(probabilities: Float64Array, classes: number, kind: Uncertainty): Float64Array {
  return Float64Array.from({ length: probabilities.length / classes }, (_, row) => {
    const of = probabilities.subarray(row * classes, (row + 1) * classes);
    return kind === "margin" ? marginDoubt(of) : entropyOf(of) / Math.log(classes);
  });
}

function marginDoubt(of: Float64Array): number {
  let [first, second] = [0, 0];
  for (const value of of) {
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return 1 - (first - second);
}

function entropyOf(of: Float64Array): number {
  return of.reduce((sum, value) => (value > 0 ? sum - value * Math.log(value) : sum), 0);
}

export interface LabelNextOptions {
  /** Features of what is labelled already: what is like them is left for later. */
  readonly labelled?: FeatureMatrix;
  /** Of the rows, at least this many times as many as are asked for are considered, the most uncertain ones. Default 10. */
  readonly pool?: number;
}

/**
 * Of the most uncertain rows those that are farthest from what is labelled and from each other, by cosine.
 *
 * @param uncertainty of each row; larger is more uncertain
 * @returns rows, in the order in which to label them; all of them when there are no more than asked for
 * @throws UsageError when sizes differ, or features are not finite
 */
export function labelNext(
  features: FeatureMatrix,
  uncertainty: Float64Array,
  count: number,
  { labelled, pool = 10 }: LabelNextOptions = {},
): Int32Array {
  if (uncertainty.length !== features.rows)
    throw new UsageError(`${features.rows} rows of features have ${uncertainty.length} uncertainties`);
  requireFinite(features);
  const unit = unitRows(features);
  const byDoubt = Int32Array.from(uncertainty.keys()).sort((a, b) => uncertainty[b]! - uncertainty[a]! || a - b);
  const candidates = byDoubt.subarray(0, Math.ceil(count * Math.max(pool, 1)));
  const distance = new Float64Array(candidates.length).fill(Number.POSITIVE_INFINITY);
  const comeCloser = (to: Float64Array) => {
    candidates.forEach((row, i) => {
      distance[i] = Math.min(distance[i]!, 1 - dot(rowOf(unit, row) as Float64Array, to));
    });
  };
  if (labelled !== undefined) {
    const known = unitRows(labelled);
    for (let row = 0; row < known.rows; row++) comeCloser(rowOf(known, row) as Float64Array);
  }
  const chosen: number[] = [];
  while (chosen.length < Math.min(count, candidates.length)) {
    // The first of equals is the most uncertain of them; without anything labelled that is where it begins.
    let best = -1;
    for (let i = 0; i < candidates.length; i++)
      if (distance[i] !== Number.NEGATIVE_INFINITY && (best === -1 || distance[i]! > distance[best]!)) best = i;
    chosen.push(candidates[best]!);
    comeCloser(rowOf(unit, candidates[best]!) as Float64Array);
    distance[best] = Number.NEGATIVE_INFINITY;
  }
  return Int32Array.from(chosen);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
