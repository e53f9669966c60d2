// How well a head does on rows that it has not seen, and the strength with which it does best.
import { SaccadeError, UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { temperatureOf } from "./calibration.ts";
import { classCounts } from "./feature-matrix.ts";
import type { TrainingRows } from "./heads/method.ts";

/**
 * Folds in which classes have their shares: each class's rows are shuffled and dealt out in turn.
 *
 * @returns the fold of each row
 * @throws UsageError for fewer than two rows of a class, which could not be learnt while one is left out
 */
export function stratifiedFolds(targets: Int32Array, classes: number, folds: number, seed: number): Int32Array {
  const counts = classCounts(targets, classes);
  const few = counts.findIndex((count) => count < 2);
  if (few !== -1)
    throw new UsageError(
      `class ${few} has ${counts[few] === 1 ? "one row" : "no rows"}, and cross-validation needs two of every class`,
      "give more pictures of it, or say how much to regularise (C, alpha, shrinkage, k)",
      { class: few },
    );
  return dealtFolds(targets, classes, folds, seed);
}

/** The same where a class may have one row or none: for heads that know something of it without. */
export function dealtFolds(targets: Int32Array, classes: number, folds: number, seed: number): Int32Array {
  if (!Number.isInteger(folds) || folds < 2) throw new UsageError(`${folds} folds`, "give a whole number from 2 up");
  const random = new RandomSource(seed, "folds");
  const out = new Int32Array(targets.length);
  let next = 0;
  for (let c = 0; c < classes; c++)
    for (const row of random.shuffle(Int32Array.from(targets.keys()).filter((row) => targets[row] === c)))
      out[row] = next++ % folds;
  return out;
}

/** How one value of a head's parameter did. */
export interface Trial {
  readonly value: number;
  /** Share of the rows that were answered rightly unseen. */
  readonly accuracy: number;
  /** Their mean cross-entropy, with the best temperature. */
  readonly loss: number;
}

export interface CrossValidation {
  /** The value with the smallest cross-entropy: with few pictures many values have as many right, by chance. */
  readonly best: number;
  /** In the order of the grid, up to where it was clear that worse followed. */
  readonly trials: readonly Trial[];
  /** Scores of every row by heads with that value that have not seen it. (rows, classes) */
  readonly scores: Float64Array;
}

/** A value whose loss is not smaller by this share ends the search: the more flexible models after it take the longest, and overfit. */
const WORTH_TRYING_ON = 0.01;

/** Tries values, from the simplest model to the most flexible one. @param folds of each row @param onTried hears how many have been tried */
export async function crossValidate<R extends Pick<TrainingRows, "targets" | "classes">>(
  method: {
    readonly triesAll: boolean;
    leftOut(rows: R, values: readonly number[], folds: Int32Array): AsyncIterable<Float64Array>;
  },
  rows: R,
  values: readonly number[],
  folds: Int32Array,
  onTried: (tried: number) => void = () => {},
): Promise<CrossValidation> {
  const { targets, classes } = rows;
  const trials: Trial[] = [];
  let best: { readonly trial: Trial; readonly scores: Float64Array } | undefined;
  for await (const scores of method.leftOut(rows, values, folds)) {
    const loss = temperatureOf(scores, targets, classes).after;
    const trial = { value: values[trials.length]!, accuracy: accuracyOf(scores, targets, classes), loss };
    trials.push(trial);
    onTried(trials.length);
    const before = best?.trial.loss ?? Number.POSITIVE_INFINITY;
    if (loss < before) best = { trial, scores };
    if (!method.triesAll && loss > (1 - WORTH_TRYING_ON) * before) break;
  }
  if (best === undefined) throw new SaccadeError("nothing_to_try", "there is no value to cross-validate");
  return { best: best.trial.value, trials, scores: best.scores };
}

/** The class with the largest score in each row, the first of equal ones. */
export function predictions(scores: Float64Array, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (scores[row * classes + c]! > scores[row * classes + best]!) best = c;
    return best;
  });
}

/** Share of the rows whose largest score is their class's. */
export function accuracyOf(scores: Float64Array, targets: Int32Array, classes: number): number {
  const right = predictions(scores, classes).reduce((sum, answer, row) => sum + Number(answer === targets[row]), 0);
  return right / targets.length;
}
