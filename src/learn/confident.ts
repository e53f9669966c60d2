// Confident learning (Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, 2021): which labels are probably
// wrong, from probabilities of rows that were not learnt from.
import { UsageError } from "../errors.ts";

export interface LabelSuspect {
  readonly row: number;
  readonly given: number;
  /** The class that it is more likely to be. */
  readonly suggested: number;
  /** Probability of the given class less the largest other one: -1 is the surest mistake. */
  readonly margin: number;
}

export interface LabelAudit {
  /** Rows that count confidently as another class than the given one, the surest mistake first. */
  readonly suspects: readonly LabelSuspect[];
  /** All rows by margin, the least credible label first: for looking further than the suspects. */
  readonly ranking: readonly LabelSuspect[];
  /** Rows given as i that count confidently as j. (classes, classes) */
  readonly joint: Int32Array;
  /** Each class's mean probability in rows of its label: what counts as confident. NaN for a class without rows. */
  readonly thresholds: Float64Array;
}

/**
 * @param probabilities of rows that the model has not seen (rows, classes)
 * @param targets the given labels
 * @throws UsageError when sizes differ or a number is none
 */
export function auditLabels(probabilities: Float64Array, targets: Int32Array, classes: number): LabelAudit {
  if (probabilities.length !== targets.length * classes)
    throw new UsageError(`${targets.length} labels of ${classes} classes have ${probabilities.length} probabilities`);
  if (!probabilities.every(Number.isFinite)) throw new UsageError("a probability is not a number");
  const thresholds = meanOwnProbabilities(probabilities, targets, classes);
  const joint = new Int32Array(classes * classes);
  const suspects: LabelSuspect[] = [];
  const ranking: LabelSuspect[] = [];
  for (let row = 0; row < targets.length; row++) {
    const of = probabilities.subarray(row * classes, (row + 1) * classes);
    const given = targets[row]!;
    const suspect = { row, given, ...likeliestOther(of, given) };
    ranking.push(suspect);
    const counted = confidentClass(of, thresholds);
    if (counted === undefined) continue;
    joint[given * classes + counted]! += 1;
    if (counted !== given) suspects.push({ ...suspect, suggested: counted });
  }
  const surestFirst = (a: LabelSuspect, b: LabelSuspect) => a.margin - b.margin || a.row - b.row;
  return { suspects: suspects.sort(surestFirst), ranking: ranking.sort(surestFirst), joint, thresholds };
}

function meanOwnProbabilities(probabilities: Float64Array, targets: Int32Array, classes: number): Float64Array {
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  for (let row = 0; row < targets.length; row++) {
    const given = targets[row]!;
    sums[given]! += probabilities[row * classes + given]!;
    counts[given]! += 1;
  }
  return sums.map((sum, c) => sum / counts[c]!);
}

/** The likeliest of the classes whose threshold is reached; undefined when there is none. */
function confidentClass(of: Float64Array, thresholds: Float64Array): number | undefined {
  let best: number | undefined;
  for (let c = 0; c < of.length; c++)
    if (of[c]! >= thresholds[c]! && (best === undefined || of[c]! > of[best]!)) best = c;
  return best;
}

function likeliestOther(of: Float64Array, given: number): { suggested: number; margin: number } {
  let suggested = given === 0 ? 1 : 0;
  for (let c = 0; c < of.length; c++) if (c !== given && of[c]! > of[suggested]!) suggested = c;
  return { suggested, margin: of[given]! - (of[suggested] ?? 0) };
}
