// Which epoch of a run is kept as its best, and how sure that is. Epochs are scored on the same pictures, so they are compared picture by picture:
// by accuracy where that tells them apart (by more than a standard error), else by cross-entropy, which says more where pictures are few. Where
// neither tells, the later epoch is kept: it has learnt longer, at rates that fall.

/** How each validation picture was answered, in the data's order. */
export interface PictureScores {
  /** 1 for a right answer, 0 for a wrong one, NaN for a picture that could not be read. */
  readonly right: Float32Array;
  /** Cross-entropy of each picture. */
  readonly losses: Float32Array;
}

/** What an epoch's evaluation came to. */
export interface EpochSummary {
  /** From 0. */
  readonly epoch: number;
  /** Steps done by then. */
  readonly step: number;
  /** Share of right answers, 0..1. */
  readonly top1: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Validation pictures that were scored. */
  readonly pictures: number;
}

/** The later of two epochs less the earlier, over the pictures that both answered, with its standard error. */
export interface PairedDifference {
  readonly difference: number;
  readonly standardError: number;
}

/** What the same pictures say about two epochs. */
export interface EpochComparison {
  /** Of the shares of right answers. */
  readonly top1: PairedDifference;
  /** Of the mean cross-entropies. */
  readonly loss: PairedDifference;
  /** What told the two apart; "nothing" where both differences are within a standard error. */
  readonly decidedBy: "top1" | "loss" | "nothing";
  /** Which of the two is better; undefined where nothing told. */
  readonly better: "earlier" | "later" | undefined;
}

/** Where the choice stands after an epoch. */
export interface EpochChoice {
  /** The epoch that is kept: the latest of those that cannot be told from the one that measured best. */
  readonly best: EpochSummary;
  /** The one that measured best. */
  readonly peak: EpochSummary;
  readonly last: EpochSummary;
  /** The last epoch against the peak before it; undefined for the first. */
  readonly comparison?: EpochComparison;
}

/** The choice with what the next epoch is compared with. */
export interface OpenChoice {
  readonly choice: EpochChoice;
  /** Of the peak. */
  readonly scores: PictureScores;
}

/** Standard errors that a difference must exceed to tell two epochs apart. */
const STANDARD_ERRORS = 1;

/** Takes one more epoch into account; `before` is undefined for a run's first. */
export function chooseEpoch(before: OpenChoice | undefined, now: EpochSummary, scores: PictureScores): OpenChoice {
  if (before === undefined) return { choice: { best: now, peak: now, last: now }, scores };
  const comparison = compareEpochs(before.scores, scores);
  const { better, loss } = comparison;
  const best = better === "earlier" ? before.choice.best : now;
  // Of epochs that cannot be told apart, the lower loss is what others are measured against: a slow decline must not pass step by step.
  const isPeak = better === undefined ? loss.difference <= 0 : better === "later";
  return {
    choice: { best, peak: isPeak ? now : before.choice.peak, last: now, comparison },
    scores: isPeak ? scores : before.scores,
  };
}

/** Compares two epochs on the pictures that both answered. */
export function compareEpochs(earlier: PictureScores, later: PictureScores): EpochComparison {
  const top1: number[] = [];
  const loss: number[] = [];
  for (const [picture, right] of later.right.entries()) {
    const before = earlier.right[picture];
    if (before === undefined || Number.isNaN(before) || Number.isNaN(right)) continue;
    top1.push(right - before);
    loss.push(later.losses[picture]! - earlier.losses[picture]!);
  }
  const differences = { top1: differenceOfShares(top1), loss: differenceOfMeans(loss) };
  const byShare = tells(differences.top1);
  if (byShare !== 0) return { ...differences, decidedBy: "top1", better: byShare > 0 ? "later" : "earlier" };
  const byLoss = tells(differences.loss);
  if (byLoss !== 0) return { ...differences, decidedBy: "loss", better: byLoss < 0 ? "later" : "earlier" };
  return { ...differences, decidedBy: "nothing", better: undefined };
}

/** The sign of a difference that tells; 0 for one that does not. */
function tells({ difference, standardError }: PairedDifference): number {
  return Math.abs(difference) > STANDARD_ERRORS * standardError ? Math.sign(difference) : 0;
}

/** Of changes of -1, 0 and 1. Only pictures whose answer changed say anything (McNemar): were both epochs equally good, each would be a coin's throw. */
function differenceOfShares(changes: readonly number[]): PairedDifference {
  const changed = changes.filter((change) => change !== 0).length;
  const sum = changes.reduce((total, change) => total + change, 0);
  const count = Math.max(1, changes.length);
  return { difference: sum / count, standardError: Math.sqrt(changed) / count };
}

/** Losses that are not finite tell nothing here: answers without numbers count as wrong, which accuracy sees. */
function differenceOfMeans(differences: readonly number[]): PairedDifference {
  const finite = differences.filter(Number.isFinite);
  const count = finite.length;
  const difference = finite.reduce((sum, value) => sum + value, 0) / Math.max(1, count);
  const squares = finite.reduce((sum, value) => sum + (value - difference) ** 2, 0);
  // One picture alone does not say how much pictures differ.
  const standardError = count < 2 ? Number.POSITIVE_INFINITY : Math.sqrt(squares / (count - 1) / count);
  return { difference, standardError };
}
