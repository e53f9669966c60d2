// Labels that are probably wrong, by confident learning: a classifier that has not seen a picture is asked about it.
import { auditLabels } from "../learn/confident.ts";

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

export function checkLabels({ pictures, targets, probabilities, classes }: HeldOutAnswers): LabelCheck {
  const { ranking, joint } = auditLabels(probabilities, targets, classes);
  const doubts = ranking
    .filter(({ margin }) => margin < 0)
    .map(({ row, given, suggested }) => ({
      picture: pictures[row]!,
      suggested,
      confidence: probabilities[row * classes + suggested]!,
      givenConfidence: probabilities[row * classes + given]!,
    }))
    // By how many times likelier, not by how much: of flipped labels that finds a twentieth more.
    .sort((a, b) => evidence(b) - evidence(a) || a.picture - b.picture);
  return { estimated: Math.min(estimateErrors(joint, targets, classes), doubts.length), doubts };
}

/** How many times likelier the other class is. */
const evidence = ({ confidence, givenConfidence }: LabelDoubt): number => confidence / Math.max(givenConfidence, 1e-12);

/** What is not on the diagonal, when the counts of each label are scaled to its number of pictures. */
function estimateErrors(joint: Int32Array, targets: Int32Array, classes: number): number {
  const pictures = new Float64Array(classes);
  for (const target of targets) pictures[target]!++;
  const errors = pictures.map((count, label) => {
    const row = joint.subarray(label * classes, (label + 1) * classes);
    const total = row.reduce((sum, value) => sum + value, 0);
    return total === 0 ? 0 : (count * (total - row[label]!)) / total;
  });
  return Math.round(errors.reduce((sum, value) => sum + value, 0));
}
