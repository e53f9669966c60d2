// Stopping early, measured: confidence thresholds that spend a given budget over many pictures, and what accuracy and cost follow from them.
// Reproduces inference.py of blackfeather-wang/GFNet-Pytorch, dynamic_find_threshold and dynamic_evaluate, to the last bit: shares and
// thresholds are float32 there.
import { UsageError } from "../errors.ts";

/** How sure a model was after each step: confidences[step][picture], 0..1. */
export type StepConfidences = readonly (Float32Array | Float64Array)[];

/** A confidence no picture has: nobody stops at a step with this threshold. */
const NEVER = 1e8;

/** Shares of the pictures that stop after each of `steps` steps, proportional to q, q^2, …: small q spends little, large q much. */
export function exitShares(q: number, steps: number): Float32Array {
  if (!(q > 0) || !Number.isFinite(q)) throw new UsageError(`the ratio of exit shares must be positive, got ${q}`);
  const logarithm = Math.fround(Math.log(Math.fround(q)));
  const powers = Float32Array.from({ length: steps }, (_, k) => Math.exp(Math.fround(logarithm * (k + 1))));
  const sum = powers.reduce((total, power) => Math.fround(total + power), 0);
  return powers.map((power) => power / sum);
}

/**
 * Thresholds with which about `shares[k]` of the pictures stop after step k: at each step the surest of those that are left. Solve them on
 * pictures that are not measured afterwards; labels do not matter.
 *
 * @returns one threshold a step; a picture stops at the first step whose confidence reaches it. The last one lets everything stop.
 * @throws UsageError when steps and shares are not as many, or pictures differ in number
 */
export function solveThresholds(confidences: StepConfidences, shares: ArrayLike<number>): Float32Array {
  const count = checkConfidences(confidences);
  const steps = confidences.length;
  if (shares.length !== steps) throw new UsageError(`${steps} steps need ${steps} shares, got ${shares.length}`);
  const thresholds = new Float32Array(steps).fill(NEVER);
  const stopped = new Uint8Array(count);
  for (let step = 0; step < steps - 1; step++) {
    const confidence = confidences[step]!;
    const wanted = Math.floor(Math.fround(count * shares[step]!));
    const surest = Array.from(confidence.keys())
      .filter((picture) => stopped[picture] === 0)
      .sort((a, b) => confidence[b]! - confidence[a]! || a - b);
    if (wanted >= 1 && wanted <= surest.length) thresholds[step] = confidence[surest[wanted - 1]!]!;
    confidence.forEach((value, picture) => {
      if (value >= thresholds[step]!) stopped[picture] = 1;
    });
  }
  thresholds[steps - 1] = -NEVER;
  return thresholds;
}

/** What came of stopping early. */
export interface ExitResult {
  /** Share answered rightly, 0..1. */
  readonly accuracy: number;
  /** Mean cost of a picture, in the unit of the costs. */
  readonly cost: number;
  /** Pictures that stopped after each step. */
  readonly exits: readonly number[];
}

/**
 * Accuracy and cost of stopping at thresholds.
 *
 * @param isRight isRight[step][picture]: 1 where the answer after that step is right
 * @param costs of stopping after the first step, the second, …: each includes the steps before it
 */
export function evaluateExits(
  confidences: StepConfidences,
  isRight: readonly ArrayLike<number>[],
  costs: readonly number[],
  thresholds: ArrayLike<number>,
): ExitResult {
  const count = checkConfidences(confidences);
  const steps = confidences.length;
  if (isRight.length !== steps || costs.length !== steps || thresholds.length !== steps)
    throw new UsageError(
      `${steps} steps need as many answers, costs and thresholds, got ${isRight.length}, ${costs.length} and ${thresholds.length}`,
    );
  const exits = new Array<number>(steps).fill(0);
  let right = 0;
  for (let picture = 0; picture < count; picture++) {
    const step = exitStep(confidences, thresholds, picture);
    exits[step]! += 1;
    right += isRight[step]![picture]!;
  }
  return {
    accuracy: right / count,
    cost: exits.reduce((sum, stopped, step) => sum + (stopped / count) * costs[step]!, 0),
    exits,
  };
}

function exitStep(confidences: StepConfidences, thresholds: ArrayLike<number>, picture: number): number {
  const last = confidences.length - 1;
  for (let step = 0; step < last; step++) if (confidences[step]![picture]! >= thresholds[step]!) return step;
  return last;
}

/** The ratios of the official curve: 1/20, 2/20, …, 39/20. */
export const CURVE_RATIOS: readonly number[] = Array.from({ length: 39 }, (_, i) => (i + 1) / 20);

/** One point of an accuracy-cost curve. */
export interface CurvePoint extends ExitResult {
  readonly ratio: number;
  readonly thresholds: Float32Array;
}

/** The whole curve: thresholds for every ratio solved on one set of pictures, measured on another. */
export function exitCurve(
  solvedOn: StepConfidences,
  measured: { confidences: StepConfidences; isRight: readonly ArrayLike<number>[] },
  costs: readonly number[],
): CurvePoint[] {
  return CURVE_RATIOS.map((ratio) => {
    const thresholds = solveThresholds(solvedOn, exitShares(ratio, solvedOn.length));
    return { ratio, thresholds, ...evaluateExits(measured.confidences, measured.isRight, costs, thresholds) };
  });
}

function checkConfidences(confidences: StepConfidences): number {
  const count = confidences[0]?.length ?? 0;
  if (count === 0 || confidences.some(({ length }) => length !== count))
    throw new UsageError("confidences need one row a step, each with one value a picture");
  return count;
}
