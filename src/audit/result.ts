// What an audit is, once it is done.
import type { DataProblem } from "../data/dataset.ts";
import type { ModelCard } from "../model-folder/model.ts";
import type { EmbeddingSpace } from "../tasks/embed/space.ts";
import type { Findings } from "./audit.ts";
import type { PictureSet, Splits } from "./picture-set.ts";
import type { NextPicture } from "./unlabelled.ts";

/** Pictures to label next, in order. */
export interface NextToLabel {
  /** Path of the folder. */
  readonly unlabelled: string;
  /** How many pictures there are to choose from. */
  readonly pictures: number;
  readonly chosen: readonly (NextPicture & { readonly name: string })[];
  readonly unreadable: readonly DataProblem[];
}

export interface AuditResult extends Findings {
  /** Path of the data. */
  readonly data: string;
  /** What the data was taken for: "image folders", … */
  readonly layout: string;
  readonly classNames: readonly string[];
  readonly splits: Splits;
  /** The pictures that places in the findings mean. */
  readonly set: PictureSet;
  readonly model: ModelCard;
  /** Of the features that pictures were compared by. */
  readonly space: EmbeddingSpace;
  readonly next: NextToLabel | undefined;
  /** What a person must know: how the data was read, what was left out. */
  readonly notes: readonly string[];
  /** Files and rows that are no pictures with labels. */
  readonly problems: readonly DataProblem[];
  readonly seed: number;
}

/** How the findings name a picture: where it lies, and under which label. */
export interface PictureReference {
  readonly path: string;
  readonly split: string;
  readonly label: string;
}

export function referenceOf({ set, classNames }: AuditResult, place: number): PictureReference {
  const { name, split, label } = set.pictures[place]!;
  return { path: name, split, label: classNames[label]! };
}
