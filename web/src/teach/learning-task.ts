// What goes to the thread that learns, and what comes back.
import type { EmbeddingSpace, LearntExample, RecogniserFit } from "../library.ts";

export interface LearningTask {
  readonly space: EmbeddingSpace;
  readonly labels: readonly string[];
  /** Of each picture. */
  readonly hashes: readonly string[];
  readonly names: readonly string[];
  /** Its place among the labels. */
  readonly targets: Int32Array;
  /** (pictures, width) */
  readonly vectors: Float32Array;
  /** Share of pictures of the classes that may be called unknown; undefined: never. */
  readonly unknown: number | undefined;
}

export interface LabelDoubt {
  readonly hash: string;
  readonly suggested: string;
  /** Probability of that class, 0 to 1. */
  readonly confidence: number;
}

export type FromLearning =
  | { readonly type: "progress"; readonly done: number }
  | {
      readonly type: "learnt";
      readonly fit: RecogniserFit;
      readonly doubts: readonly LabelDoubt[];
      readonly estimated: number;
    }
  | { readonly type: "failed"; readonly message: string; readonly hint: string | undefined };

/** The examples that a task is of: the same here and in the page. */
export function examplesOf({ labels, hashes, names, targets, vectors, space }: LearningTask): LearntExample[] {
  return hashes.map((hash, i) => ({
    hash,
    label: labels[targets[i]!]!,
    path: names[i]!,
    size: 0,
    vector: vectors.subarray(i * space.width, (i + 1) * space.width),
  }));
}
