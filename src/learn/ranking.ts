// How well scores rank: higher means more likely to be positive. Equal scores are one step everywhere, so that the order of rows never matters.
import { UsageError } from "../errors.ts";

/** Rows accepted at each distinct score, from the highest down. */
interface Steps {
  readonly thresholds: Float64Array;
  /** Positive and negative rows with at least that score. */
  readonly hits: Float64Array;
  readonly falseAlarms: Float64Array;
  readonly positives: number;
  readonly negatives: number;
}

function stepsOf(scores: Float64Array, positive: Uint8Array): Steps {
  if (scores.length !== positive.length) throw new UsageError(`${scores.length} scores have ${positive.length} labels`);
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const thresholds: number[] = [];
  const hits: number[] = [];
  const falseAlarms: number[] = [];
  let [hit, wrong] = [0, 0];
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    if (positive[row] === 1) hit += 1;
    else wrong += 1;
    if (i + 1 < order.length && scores[order[i + 1]!] === scores[row]) continue;
    thresholds.push(scores[row]!);
    hits.push(hit);
    falseAlarms.push(wrong);
  }
  return {
    thresholds: Float64Array.from(thresholds),
    hits: Float64Array.from(hits),
    falseAlarms: Float64Array.from(falseAlarms),
    positives: hit,
    negatives: wrong,
  };
}

/** The curve of false and true positive rates, without its beginning at (0, 0). */
export interface RocCurve {
  readonly thresholds: Float64Array;
  readonly fpr: Float64Array;
  readonly tpr: Float64Array;
}

/**
 * @param positive 1 where the row is positive
 * @throws UsageError when all rows are of one kind
 */
export function rocCurve(scores: Float64Array, positive: Uint8Array): RocCurve {
  const { thresholds, hits, falseAlarms, positives, negatives } = stepsOf(scores, positive);
  if (positives === 0 || negatives === 0)
    throw new UsageError(`a ranking needs positive and negative rows, got ${positives} and ${negatives}`);
  return { thresholds, fpr: falseAlarms.map((n) => n / negatives), tpr: hits.map((n) => n / positives) };
}

/** The area under the curve: how often a positive row is above a negative one, equal scores counting half. Throws as rocCurve. */
export function rocAuc(scores: Float64Array, positive: Uint8Array): number {
  const { fpr, tpr } = rocCurve(scores, positive);
  let area = 0;
  for (let i = 0; i < fpr.length; i++) area += ((fpr[i]! - (fpr[i - 1] ?? 0)) * (tpr[i]! + (tpr[i - 1] ?? 0))) / 2;
  return area;
}

/** The mean of the precisions at which recall grows, not interpolated. Throws UsageError without positive rows. */
export function averagePrecision(scores: Float64Array, positive: Uint8Array): number {
  const { hits, falseAlarms, positives } = stepsOf(scores, positive);
  if (positives === 0) throw new UsageError("average precision needs positive rows");
  let sum = 0;
  for (let i = 0; i < hits.length; i++)
    sum += (hits[i]! - (hits[i - 1] ?? 0)) * (hits[i]! / (hits[i]! + falseAlarms[i]!));
  return sum / positives;
}

/** Precision and recall at each distinct score, from the highest down. */
export function precisionRecall(scores: Float64Array, positive: Uint8Array) {
  const { thresholds, hits, falseAlarms, positives } = stepsOf(scores, positive);
  return {
    thresholds,
    precision: hits.map((hit, i) => hit / (hit + falseAlarms[i]!)),
    recall: hits.map((hit) => (positives === 0 ? 0 : hit / positives)),
  };
}

/** Where as many negatives are accepted as positives rejected, linearly between the two nearest points. Throws as rocCurve. */
export function equalErrorRate(scores: Float64Array, positive: Uint8Array): number {
  const { fpr, tpr } = rocCurve(scores, positive);
  let [lastFpr, lastFnr] = [0, 1];
  for (let i = 0; i < fpr.length; i++) {
    const fnr = 1 - tpr[i]!;
    if (fpr[i]! >= fnr) {
      const [before, after] = [lastFnr - lastFpr, fpr[i]! - fnr];
      return lastFpr + (before / (before + after)) * (fpr[i]! - lastFpr);
    }
    [lastFpr, lastFnr] = [fpr[i]!, fnr];
  }
  return lastFpr;
}

/** The most positives that can be accepted while at most a rate of the negatives are. */
export interface TprAtFar {
  readonly tpr: number;
  /** Accept scores of at least this; undefined: accept nothing. */
  readonly threshold: number | undefined;
}

/** @param far false alarms allowed, 0 to 1. Not interpolated. Throws as rocCurve. */
export function tprAtFar(scores: Float64Array, positive: Uint8Array, far: number): TprAtFar {
  const { thresholds, fpr, tpr } = rocCurve(scores, positive);
  const last = fpr.findLastIndex((rate) => rate <= far);
  return { tpr: tpr[last] ?? 0, threshold: thresholds[last] };
}

/** Rows of a class against all others, as rankings take them. */
export function oneAgainstRest(scores: Float64Array, targets: Int32Array, classes: number, which: number) {
  return {
    scores: Float64Array.from(targets, (_, row) => scores[row * classes + which]!),
    positive: Uint8Array.from(targets, (target) => Number(target === which)),
  };
}
