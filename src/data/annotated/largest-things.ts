// Annotated pictures as pictures of one class each: that of the largest thing on them.
import { type Dataset, subset } from "../dataset.ts";

/** Those on which something is; one of nothing would be taken for the first class. Other data as it is. */
export function withThings(dataset: Dataset): Dataset {
  const { annotations } = dataset;
  if (annotations === undefined) return dataset;
  const indices = Array.from({ length: dataset.length }, (_, i) => i).filter((i) => annotations(i).objects.length > 0);
  return indices.length === dataset.length ? dataset : subset(dataset, indices);
}

/**
 * What a person must know of it, in a line.
 *
 * @param what "mine learns"
 * @param leftOut pictures without things
 */
export function largestThingNote(what: string, leftOut: number): string {
  const without =
    leftOut === 0
      ? ""
      : `; ${leftOut === 1 ? "a picture without any is" : `${leftOut} pictures without any are`} left out`;
  return `annotated pictures: ${what} one class a picture, that of its largest thing${without}`;
}
