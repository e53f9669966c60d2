// How well a model finds places while it learns: its weights so far as a detector or a segmenter, on pictures of the validation split, by the numbers of `saccade eval`.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import { AbortedError, SaccadeError } from "../errors.ts";
import { spreadSubset } from "../evaluate/dataset-split.ts";
import { evaluateDetector } from "../evaluate/dense/evaluate-detector.ts";
import { evaluateSegmenter } from "../evaluate/dense/evaluate-segmenter.ts";
import type { DenseEvaluation } from "../evaluate/dense/evaluation.ts";
import { answersOfModel } from "../model-folder/compile.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { loadDetector } from "../tasks/detect/detector.ts";
import { loadSegmenter } from "../tasks/segment/segmenter.ts";
import { VALIDATION_DEFAULTS } from "../train/annotated-fields.ts";
import type { FitOptions } from "../train/fit-options.ts";
import type { PlaceScore } from "../train/measured-choice.ts";
import type { Recipe } from "../train/recipe-fields.ts";
import type { EvaluationHost } from "./evaluate.ts";
import type { TrainOptions } from "./train-options.ts";

export interface MeasurePlacesOptions extends Pick<TrainOptions, "device" | "onNotice"> {
  /** Of the engine. Default: all cores. */
  readonly threads?: number | undefined;
  readonly recipe: Recipe;
  /** Whose weights are replaced by those that are measured. */
  readonly model: NativeModel;
  /** Annotated pictures. */
  readonly heldOut: Dataset;
}

/** What cannot be measured is said, and ends no run. */
export function measurePlaces(host: EvaluationHost, options: MeasurePlacesOptions): NonNullable<FitOptions["measure"]> {
  const { recipe, model, heldOut, onNotice } = options;
  const { every, pictures } = recipe.validation ?? VALIDATION_DEFAULTS;
  const dataset = spreadSubset(heldOut, pictures);
  let said = "";
  const say = (line: string) => {
    if (line !== said) onNotice?.(line);
    said = line;
  };
  return {
    every,
    async score(weights, signal) {
      try {
        const evaluation = await evaluateWeights(
          host,
          options,
          { ...model, weights: new Map(weights) },
          dataset,
          signal,
        );
        const left = problemsLine(evaluation, dataset);
        if (left !== undefined) say(left);
        return scoreOf(evaluation);
      } catch (error) {
        if (!(error instanceof SaccadeError) || error instanceof AbortedError) throw error;
        say(`not measured on the validation split: ${error.message}`);
        return undefined;
      }
    },
  };
}

/** Pictures run together at most: they may be large. */
const MOST_TOGETHER = 8;

async function evaluateWeights(
  host: EvaluationHost,
  { recipe, device, threads }: MeasurePlacesOptions,
  model: NativeModel,
  dataset: Dataset,
  signal: AbortSignal | undefined,
): Promise<DenseEvaluation> {
  const stopping = signal === undefined ? {} : { signal };
  const opening = {
    sessions: 1, // training keeps its own open beside it
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...stopping,
  };
  const measuring = {
    files: host.dataFiles,
    decode: host.decode,
    batchSize: Math.min(recipe.batch, MOST_TOGETHER),
    ...stopping,
  };
  if (answersOfModel(model) === "detections") {
    await using detector = await loadDetector(host, model, opening);
    return await evaluateDetector(detector, dataset, measuring);
  }
  await using segmenter = await loadSegmenter(host, model, opening);
  const kind = recipe.validation?.kind;
  return await evaluateSegmenter(segmenter, dataset, { ...measuring, ...(kind === undefined ? {} : { kind }) });
}

/** The number that epochs are compared by, and what else is worth a curve. */
function scoreOf({ boxes, masks, semantic, panoptic, pictures }: DenseEvaluation): PlaceScore {
  if (panoptic !== undefined) {
    const { all, things, stuff } = panoptic;
    const numbers = { pq: all.pq, sq: all.sq, rq: all.rq, pq_things: things.pq, pq_stuff: stuff.pq };
    return { measure: "PQ", value: all.pq, numbers, pictures };
  }
  if (semantic !== undefined) {
    const { miou, dice, pixelAccuracy } = semantic;
    return { measure: "mIoU", value: miou, numbers: { miou, dice, pixel_accuracy: pixelAccuracy }, pictures };
  }
  const { ap, ap50, ap75, ar100 } = (masks ?? boxes)!;
  const numbers = { ap, ap50, ap75, found: ar100, ...(masks === undefined ? {} : { box_ap: boxes?.ap }) };
  return { measure: "AP", value: ap, numbers, pictures };
}

/** Pictures of it that could not be measured; what the data set knows was said when it was opened. */
function problemsLine({ problems }: DenseEvaluation, dataset: Dataset): string | undefined {
  const known = new Set<DataProblem>(dataset.problems);
  const [first, ...more] = problems.filter((problem) => !known.has(problem));
  if (first === undefined) return undefined;
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  return `not measured on the validation split: ${first.name}: ${first.reason}${others}`;
}
