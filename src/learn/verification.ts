// Verification: whether two things are the same, told by how alike they are. What such scores are worth: how well they rank (ranking.ts), how many pairs
// a threshold gets right that was chosen on other pairs, and how many of the same are accepted while few others are.
import { UsageError } from "../errors.ts";
import { equalErrorRate, rocAuc, type TprAtFar, tprAtFar } from "./ranking.ts";

export interface VerificationOptions {
  /** False alarms allowed, 0 to 1 each; one that comes twice is measured once. Default 0.1, 0.01, 0.001. */
  readonly far?: readonly number[];
  /** The part that each pair belongs to. Default: ten parts, in each as many of both kinds as can be. */
  readonly folds?: ArrayLike<number | string>;
}

export interface Verification {
  readonly pairs: number;
  /** Pairs that are the same. */
  readonly same: number;
  /** Area under the curve of true against false accepts: how often a pair of the same is more alike than another. */
  readonly auc: number;
  /** Where as many others are accepted as of the same are rejected. */
  readonly eer: number;
  readonly tprAtFar: readonly (TprAtFar & { readonly far: number })[];
  readonly accuracy: FoldedAccuracy;
}

/** How many pairs are told right: of each part with the threshold that is best on all others. */
export interface FoldedAccuracy {
  /** Mean over parts, 0 to 1. */
  readonly mean: number;
  /** Of the mean: the deviation between parts, divided by the root of their number. */
  readonly standardError: number;
  readonly folds: readonly {
    readonly fold: string;
    readonly pairs: number;
    readonly accuracy: number;
    readonly threshold: number;
  }[];
  /** The best on all pairs, for new ones. */
  readonly threshold: number;
}

export const DEFAULT_FARS = [0.1, 0.01, 0.001] as const;
const DEFAULT_FOLDS = 10;

/**
 * @param scores how alike each pair is; a pair is called the same at or above a threshold
 * @param same 1 where it is the same
 * @throws UsageError when all pairs are of one kind, scores are no numbers, or a rate is none
 */
export function verification(scores: Float64Array, same: Uint8Array, options: VerificationOptions = {}): Verification {
  const { far = DEFAULT_FARS, folds } = options;
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad !== -1) throw new UsageError(`the score of pair ${bad} is ${scores[bad]}`);
  for (const rate of far)
    if (!(rate >= 0 && rate <= 1)) throw new UsageError(`${rate} is no rate of false alarms, 0 to 1`);
  return {
    pairs: scores.length,
    same: same.reduce((sum, is) => sum + is, 0),
    auc: rocAuc(scores, same),
    eer: equalErrorRate(scores, same),
    tprAtFar: [...new Set(far)].map((rate) => ({ far: rate, ...tprAtFar(scores, same, rate) })),
    accuracy: foldedAccuracy(scores, same, folds),
  };
}

/**
 * Accuracy by the protocol of Labeled Faces in the Wild. Where there is but one part, its own best threshold is all that can be told.
 *
 * @throws UsageError when parts are not one a pair, or there are no pairs
 */
export function foldedAccuracy(
  scores: Float64Array,
  same: Uint8Array,
  folds: ArrayLike<number | string> = evenFolds(same),
): FoldedAccuracy {
  if (scores.length === 0) throw new UsageError("there are no pairs");
  if (folds.length !== scores.length || same.length !== scores.length)
    throw new UsageError(`${scores.length} pairs have ${same.length} labels and ${folds.length} parts`);
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const names = [...new Set(Array.from(folds, String))];
  const parts = Array.from(folds, (fold) => names.indexOf(String(fold)));
  const measured = names.map((fold, part) => {
    const others = names.length === 1 ? order : order.filter((i) => parts[i] !== part);
    const threshold = bestThreshold(others, scores, same);
    const own = order.filter((i) => parts[i] === part);
    const right = own.filter((i) => scores[i]! >= threshold === (same[i] === 1)).length;
    return { fold, pairs: own.length, accuracy: right / own.length, threshold };
  });
  const mean = measured.reduce((sum, { accuracy }) => sum + accuracy, 0) / measured.length;
  const squares = measured.reduce((sum, { accuracy }) => sum + (accuracy - mean) ** 2, 0);
  return {
    mean,
    standardError: measured.length === 1 ? 0 : Math.sqrt(squares / (measured.length - 1) / measured.length),
    folds: measured,
    threshold: bestThreshold(order, scores, same),
  };
}

/** The threshold that tells most right, in the middle of its room between two scores; of equally good ones the highest. Infinite: accept nothing. */
function bestThreshold(order: Int32Array, scores: Float64Array, same: Uint8Array): number {
  let [best, threshold, right] = [0, Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < order.length; i++) {
    right += same[order[i]!] === 1 ? 1 : -1;
    const [score, next] = [scores[order[i]!]!, scores[order[i + 1]!]];
    if (score === next || right <= best) continue;
    best = right;
    threshold = next === undefined ? score : middle(score, next);
  }
  return threshold;
}

/** Halfway, above the lower also where there is no number between. */
function middle(upper: number, lower: number): number {
  const half = lower + (upper - lower) / 2;
  return half > lower ? half : upper;
}

/** Pairs dealt out like cards, each kind for itself. */
function evenFolds(same: Uint8Array): Int32Array {
  const dealt = [0, 0];
  return Int32Array.from(same, (is) => dealt[is]!++ % DEFAULT_FOLDS);
}
