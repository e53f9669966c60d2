// Pictures that a teacher's classifier is not fitted to, so that it can be said how good it really is.
import { type Dataset, splitItems } from "../../data/dataset.ts";

const SHARE = 0.05;

/** A twentieth of each class, at least one picture where there are several; by the seed, always the same. */
export function heldOutItems(dataset: Dataset, seed: number): ReadonlySet<number> {
  return new Set(splitItems(dataset, SHARE, { seed })[1]);
}
