// What a classifier says of pictures that it was not fitted to: they are parted into folds, and each fold is answered by one that was fitted to
// the others.
import { temperatureOf } from "../learn/calibration.ts";
import { accuracyOf, stratifiedFolds } from "../learn/cross-validation.ts";
import type { FeatureMatrix } from "../learn/feature-matrix.ts";
import { type FittedHead, validateHead } from "../learn/heads.ts";
import { softmax } from "../learn/losses.ts";
import type { ProductsOf } from "../learn/products.ts";

export interface HeldOutOptions {
  readonly seed: number;
  /** Rows that must be held out together, because they are one picture. */
  readonly together?: readonly (readonly number[])[];
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
}

export interface HeldOut {
  /** (rows, classes) */
  readonly probabilities: Float64Array;
  /** Share of the rows whose likeliest class is their label. */
  readonly accuracy: number;
  /** The classifier that was fitted to all rows. */
  readonly classifier: ScaledHead;
}

/** A head whose decisions, multiplied with `scale`, are logits. */
export interface ScaledHead {
  readonly head: FittedHead;
  readonly scale: number;
}

const FOLDS = 5;
/** Features have length 1, so this is a strong penalty: wrong labels are not learnt by heart. */
const STRENGTH = 1;

/** Answers for every row. @param targets every class has at least two rows */
export async function answerHeldOut(
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  { seed, together = [], products, signal }: HeldOutOptions,
): Promise<HeldOut> {
  const { head, validation } = await validateHead("logistic", features, targets, classes, {
    C: STRENGTH,
    folds: foldsOf(targets, classes, seed, together),
    seed,
    ...(products === undefined ? {} : { products }),
    ...(signal === undefined ? {} : { signal }),
  });
  const { scores } = validation;
  const { scale } = temperatureOf(scores, targets, classes);
  return {
    probabilities: probabilitiesOf(scores, scale, classes),
    accuracy: accuracyOf(scores, targets, classes),
    classifier: { head, scale },
  };
}

/** Decisions as probabilities. (rows, classes) */
export function probabilitiesOf(scores: Float64Array, scale: number, classes: number): Float64Array {
  const scaled = scores.map((score) => scale * score);
  const probabilities = new Float64Array(scores.length);
  for (let start = 0; start < scores.length; start += classes) softmax(scaled, probabilities, start, classes);
  return probabilities;
}

/**
 * Fold of each row: every class is spread evenly, and what belongs together is in one. A class of which that leaves nothing to learn from stays
 * spread.
 */
export function foldsOf(
  targets: Int32Array,
  classes: number,
  seed: number,
  together: readonly (readonly number[])[],
): Int32Array {
  const spread = stratifiedFolds(targets, classes, FOLDS, seed);
  const folds = spread.slice();
  for (const [first, ...others] of together) for (const row of others) folds[row] = folds[first!]!;
  for (let label = 0; label < classes; label++) {
    const rows = [...targets.keys()].filter((row) => targets[row] === label);
    if (new Set(rows.map((row) => folds[row])).size > 1) continue;
    for (const row of rows) folds[row] = spread[row]!;
  }
  return folds;
}
