// Labels that are probably wrong, by confident learning (Northcutt, Jiang and Chuang, 2021): a classifier that has not seen a picture is asked
// about it, and how sure it must be to be believed is what is usual for each class.

/** A picture whose label is doubted. */
export interface LabelDoubt {
  /** Place of the picture. */
  readonly picture: number;
  /** Class it seems to be of. */
  readonly suggested: number;
  /** Probability of that class, 0 to 1. */
  readonly confidence: number;
  /** Probability of the class that it is labelled with. */
  readonly givenConfidence: number;
}

export interface LabelCheck {
  /** How many labels are wrong, as the classes' confusions say. */
  readonly estimated: number;
  /** Every picture for which another class is likelier than its own, the most doubtful first. */
  readonly doubts: readonly LabelDoubt[];
}

/** What held-out classifiers say. */
export interface HeldOutAnswers {
  /** Places of the pictures that were asked about. */
  readonly pictures: Int32Array;
  /** The class that each of these is labelled with. */
  readonly targets: Int32Array;
  /** (pictures, classes) */
  readonly probabilities: Float64Array;
  readonly classes: number;
}

export function checkLabels(answers: HeldOutAnswers): LabelCheck {
  const { pictures, targets } = answers;
  const doubts: LabelDoubt[] = [];
  for (const [i, picture] of pictures.entries()) {
    const row = rowOf(answers, i);
    const suggested = largest(row, (c) => c !== targets[i]);
    const [confidence, givenConfidence] = [row[suggested]!, row[targets[i]!]!];
    if (confidence > givenConfidence) doubts.push({ picture, suggested, confidence, givenConfidence });
  }
  doubts.sort((a, b) => evidence(b) - evidence(a) || a.picture - b.picture);
  return { estimated: Math.min(estimateErrors(answers), doubts.length), doubts };
}

/** How many times likelier the other class is. */
const evidence = ({ confidence, givenConfidence }: LabelDoubt): number => confidence / Math.max(givenConfidence, 1e-12);

/**
 * A picture counts for the likeliest of those classes that it is as sure of as pictures of the class are on average. The counts of each label
 * are then scaled to its number of pictures.
 */
function estimateErrors(answers: HeldOutAnswers): number {
  const { targets, classes } = answers;
  const thresholds = meanOwnProbabilities(answers);
  const counted = new Float64Array(classes * classes); // (label, class counted for)
  const pictures = new Float64Array(classes);
  for (const [i, target] of targets.entries()) {
    const row = rowOf(answers, i);
    pictures[target]!++;
    const sure = largest(row, (c) => row[c]! >= thresholds[c]!);
    if (sure !== -1) counted[target * classes + sure]!++;
  }
  let errors = 0;
  for (let label = 0; label < classes; label++) {
    const row = counted.subarray(label * classes, (label + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0);
    if (total > 0) errors += (pictures[label]! * (total - row[label]!)) / total;
  }
  return Math.round(errors);
}

/** Of each class, the mean probability that its pictures have for it; infinity where there are none. */
function meanOwnProbabilities(answers: HeldOutAnswers): Float64Array {
  const { targets, classes } = answers;
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  for (const [i, target] of targets.entries()) {
    sums[target]! += rowOf(answers, i)[target]!;
    counts[target]!++;
  }
  return sums.map((sum, c) => (counts[c] === 0 ? Number.POSITIVE_INFINITY : sum / counts[c]!));
}

function rowOf({ probabilities, classes }: HeldOutAnswers, i: number): Float64Array {
  return probabilities.subarray(i * classes, (i + 1) * classes);
}

/** Place of the largest of those values that may be taken, the first of equal ones; -1 where none may. */
function largest(values: Float64Array, mayBeTaken: (place: number) => boolean): number {
  let best = -1;
  for (let c = 0; c < values.length; c++) if (mayBeTaken(c) && (best === -1 || values[c]! > values[best]!)) best = c;
  return best;
}
