// What evaluations of models that answer about places have in common: the data set through the task, labels matched by name, the worst pictures kept.

import type { DrawnPart } from "../../boxes/draw.ts";
import type { PictureAnnotations } from "../../data/annotations.ts";
import type { DataProblem, Dataset } from "../../data/dataset.ts";
import { loadPicture } from "../../data/files.ts";
import { FormatError, SaccadeError, SessionError, UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { PictureViews, ViewOptions } from "../../image/view.ts";
import { type BatchTask, type Reserve, streamAnswers } from "../../tasks/engine/picture-stream.ts";
import type { Segmentation } from "../../tasks/segment/results.ts";
import type { PictureAccess } from "../answers.ts";
import { type LabelMatch, matchLabels } from "../label-match.ts";
import type { DetectionMetrics } from "./average-precision.ts";
import type { PanopticMetrics } from "./panoptic-quality.ts";
import type { SemanticMetrics } from "./semantic.ts";

/** What is needed besides the model and the data. */
export interface DenseEvaluateOptions extends PictureAccess {
  /** Called as pictures get done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** A picture of the data on which much is wrong. */
export interface WorstPicture {
  /** In the data set. */
  readonly index: number;
  readonly name: string;
  /** The larger, the worse. */
  readonly badness: number;
  /** "2 missed, 1 wrong" */
  readonly note: string;
  /** What to draw: of detections what is right, wrong and missed on one picture; of segments what was found. */
  readonly found: readonly DrawnPart[];
  /** Of segments: what is there. */
  readonly truth?: readonly DrawnPart[];
}

export interface DenseEvaluation {
  readonly kind: "detection" | Segmentation;
  /** Classes that the data has, as the model spells them; metrics number them so. */
  readonly classes: readonly string[];
  /** Pictures that were measured. */
  readonly pictures: number;
  /** Of "detection" and "instance". */
  readonly boxes?: DetectionMetrics;
  /** Of "instance". */
  readonly masks?: DetectionMetrics;
  readonly semantic?: SemanticMetrics;
  readonly panoptic?: PanopticMetrics;
  /** The worst first. */
  readonly worst: readonly WorstPicture[];
  /** Pictures that were left out, at opening or because they, or their annotations, could not be read. */
  readonly problems: readonly DataProblem[];
  /** The data's labels that the model does not know: what is labelled so counts as missed. */
  readonly unknownLabels: readonly string[];
  /** Labels that were matched though they are spelled otherwise. */
  readonly labelNotes: readonly string[];
  readonly seconds: number;
}

/** Answers with less can be right nowhere where it counts, and only take time. */
export const LEAST_SCORE = 0.001;

/**
 * The classes of annotated data and of a model, matched by name.
 *
 * @throws UsageError when the model has no labels, or knows none of the data's
 */
export function matchClasses(dataset: Dataset, labels: readonly string[] | undefined): LabelMatch {
  if (labels === undefined)
    throw new UsageError(
      "the model does not say what its classes are called, so labels cannot be compared",
      "give a file with one name a line: --labels FILE, or the labels option",
    );
  return matchLabels({ labels: dataset.labels, targets: Int32Array.from(dataset.labels.keys()) }, labels);
}

/** A picture that was answered. */
export interface AnnotatedAnswer<A> {
  readonly index: number;
  readonly name: string;
  readonly annotations: PictureAnnotations;
  readonly answer: A;
}

interface Entry {
  readonly index: number;
}

/**
 * All pictures of a data set through a task, in its order.
 *
 * @param judge called with each answer; a FormatError of it is about the picture's annotations, and leaves the picture out
 * @returns pictures that were measured, and those that could not be
 * @throws UsageError for data without annotations; FormatError when no picture can be measured; AbortedError, and whatever the model throws
 */
export async function judgeAll<A>(
  task: BatchTask<PictureViews, A, Entry>,
  dataset: Dataset,
  { files, decode, onProgress, signal }: DenseEvaluateOptions,
  judge: (answered: AnnotatedAnswer<A>) => Promise<void> | void,
): Promise<{ readonly pictures: number; readonly problems: DataProblem[]; readonly seconds: number }> {
  if (dataset.annotations === undefined)
    throw new UsageError(
      "the data has a label for each picture, and nothing about where things are",
      "this model is measured on annotated data: COCO, Pascal VOC, YOLO, LabelMe, or pictures with masks (docs/dense.md)",
    );
  const start = performance.now();
  const problems: DataProblem[] = [];
  const entries = Array.from({ length: dataset.length }, (_, index): Entry => ({ index }));
  const read = async ({ index }: Entry, reserve: Reserve): Promise<RawImage> => {
    const { picture } = await dataset.item(index);
    const options: ViewOptions = { reserve, ...(task.decoding ?? {}) };
    return loadPicture(picture, files, (bytes) => decode(bytes, options));
  };
  let done = 0;
  for await (const { source, answer, error } of streamAnswers(
    entries,
    read,
    task,
    signal === undefined ? {} : { signal },
  )) {
    onProgress?.(++done, dataset.length);
    const { index } = source;
    const name = dataset.name(index);
    if (error instanceof SessionError) throw error;
    if (error !== undefined) {
      problems.push({ name, reason: error.message });
      continue;
    }
    try {
      await judge({ index, name, annotations: dataset.annotations(index), answer });
    } catch (fault) {
      if (!(fault instanceof SaccadeError) || fault instanceof UsageError) throw fault;
      problems.push({ name, reason: fault.message });
    }
  }
  if (problems.length === dataset.length)
    throw new FormatError("data", `none of the ${dataset.length} pictures can be measured`, {
      ...(problems[0] === undefined ? {} : { hint: `${problems[0].name}: ${problems[0].reason}` }),
      data: { problems: problems.slice(0, 100) },
    });
  return {
    pictures: dataset.length - problems.length,
    problems: [...dataset.problems, ...problems],
    seconds: (performance.now() - start) / 1000,
  };
}

const MOST_WORST = 18;

/** Keeps the worst of many pictures. */
export class WorstPictures {
  #pictures: WorstPicture[] = [];

  /** @param make is only asked where the picture is bad enough */
  add(badness: number, make: () => Omit<WorstPicture, "badness">): void {
    if (!(badness > 0) || (this.#pictures.length === MOST_WORST && badness <= this.#pictures.at(-1)!.badness)) return;
    this.#pictures = [...this.#pictures, { ...make(), badness }]
      .sort((a, b) => b.badness - a.badness)
      .slice(0, MOST_WORST);
  }

  get all(): readonly WorstPicture[] {
    return this.#pictures;
  }
}
