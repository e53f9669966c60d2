// How many pictures each class has, in all and in every split, and what about that will hurt.
import { SPLITS, type SplitName } from "../data/samples.ts";

export interface ClassBalance {
  readonly label: string;
  /** Pictures in each split that there is. */
  readonly pictures: Readonly<Partial<Record<SplitName, number>>>;
  readonly total: number;
}

export interface Balance {
  /** As the data orders them. */
  readonly classes: readonly ClassBalance[];
  /** Splits with pictures. */
  readonly splits: readonly SplitName[];
  /** How many times as many pictures the largest class has as the smallest, over classes with any. */
  readonly ratio: number;
  /** Classes with fewer pictures to learn from than is good. */
  readonly few: readonly string[];
  /** Splits that lack classes which others have. */
  readonly missing: readonly { readonly split: SplitName; readonly labels: readonly string[] }[];
}

/** With fewer, what a classifier learns depends on which ones they are. */
export const FEW_PICTURES = 10;
/** From here on, answers lean visibly towards the large classes. */
export const UNEVEN_RATIO = 10;

/** @param pictures label number and split of each */
export function measureBalance(
  labels: readonly string[],
  pictures: readonly { readonly label: number; readonly split: SplitName }[],
): Balance {
  const counts = new Map(SPLITS.map((split) => [split, new Int32Array(labels.length)]));
  for (const { label, split } of pictures) counts.get(split)![label]!++;
  const splits = SPLITS.filter((split) => counts.get(split)!.some((count) => count > 0));
  const classes = labels.map((label, i) => {
    const ofSplits = splits.map((split): [SplitName, number] => [split, counts.get(split)![i]!]);
    return {
      label,
      pictures: Object.fromEntries(ofSplits),
      total: ofSplits.reduce((sum, [, count]) => sum + count, 0),
    };
  });
  const present = classes.filter(({ total }) => total > 0);
  const totals = present.map(({ total }) => total);
  // What is learnt from is the training split, where there is one.
  const learnt = splits.includes("train")
    ? (one: ClassBalance) => one.pictures.train ?? 0
    : (one: ClassBalance) => one.total;
  return {
    classes,
    splits,
    ratio: totals.length === 0 ? 1 : Math.max(...totals) / Math.min(...totals),
    few: classes.filter((one) => learnt(one) < FEW_PICTURES).map(({ label }) => label),
    missing: splits.flatMap((split) => {
      const lost = present.filter((one) => (one.pictures[split] ?? 0) === 0).map(({ label }) => label);
      return lost.length === 0 ? [] : [{ split, labels: lost }];
    }),
  };
}
