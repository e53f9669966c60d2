// Evaluation of models that answer about places as a whole, from a model's name and a path to numbers: what `evaluateDense` of the library and `saccade eval` do.
import type { SplitName } from "../data/samples.ts";
import type { EvaluationData } from "../evaluate/dataset-split.ts";
import { evaluateDetector } from "../evaluate/dense/evaluate-detector.ts";
import { evaluateSegmenter } from "../evaluate/dense/evaluate-segmenter.ts";
import type { DenseEvaluation } from "../evaluate/dense/evaluation.ts";
import { findTrainingRun } from "../evaluate/training-run.ts";
import { answersOfModel } from "../model-folder/compile.ts";
import { loadModel } from "../model-folder/load.ts";
import type { ModelCard } from "../model-folder/model.ts";
import type { ActualDevice } from "../runtime/session.ts";
import { type Detector, loadDetector } from "../tasks/detect/detector.ts";
import type { Segmentation } from "../tasks/segment/results.ts";
import { loadSegmenter, type Segmenter } from "../tasks/segment/segmenter.ts";
import { type EvaluateOptions, type EvaluationHost, openData } from "./evaluate.ts";

export interface EvaluateDenseOptions extends Omit<EvaluateOptions, "boxes" | "steps" | "scores"> {
  /** Of a segmenter, which way. Default: the model's usual one. */
  readonly kind?: Segmentation;
}

/** What was measured, and of what. */
export interface DenseModelEvaluation extends DenseEvaluation {
  /** The model's name. */
  readonly model: string;
  /** Path of the data. */
  readonly data: string;
  readonly split: SplitName;
  readonly device: ActualDevice;
}

/** A model and the data that it is to be measured on, both open. */
export interface OpenDenseEvaluation extends AsyncDisposable {
  readonly card: ModelCard;
  readonly data: EvaluationData;
  /** @param onProgress instead of the options' */
  measure(onProgress?: EvaluateOptions["onProgress"]): Promise<DenseModelEvaluation>;
}

/**
 * Measures a detector or a segmenter on annotated pictures: COCO's average precision; mIoU, Dice or panoptic quality. Labels are matched by name.
 *
 * @param model registered or bundled name, model folder, checkpoint or ONNX file
 * @param dataPath annotated data in a format that `openDataset` knows
 * @throws UsageError for a model that answers something else, data without annotations, a split that is not there; NotFoundError; FormatError; AbortedError when the signal fires
 */
export async function evaluateDense(
  host: EvaluationHost,
  model: string,
  dataPath: string,
  options: EvaluateDenseOptions = {},
): Promise<DenseModelEvaluation> {
  await using opened = await openDenseEvaluation(host, model, dataPath, options);
  // Awaited here: the model is closed when this function ends.
  return await opened.measure();
}

/** The same in two steps, for callers that need the model and the data besides the numbers. */
export async function openDenseEvaluation(
  host: EvaluationHost,
  model: string,
  dataPath: string,
  options: EvaluateDenseOptions = {},
): Promise<OpenDenseEvaluation> {
  const { kind, ...others } = options;
  const { batchSize, signal, decode = "exact", sessions = "auto" } = others;
  const run = await findTrainingRun(host.files, model);
  const data = await openData(host, dataPath, run, others);
  const loaded = options.loaded ?? (await loadModel(host, model, options));
  const opening = { ...others, sessions, expectedPictures: data.dataset.length };
  const task: Detector | Segmenter =
    answersOfModel(loaded) === "detections"
      ? await loadDetector(host, loaded, opening)
      : await loadSegmenter(host, loaded, opening);
  return {
    card: task.card,
    data,
    async measure(onProgress = options.onProgress) {
      const measuring = {
        files: host.dataFiles,
        decode: (bytes: Uint8Array, more: object = {}) => host.decode(bytes, { ...more, decode }),
        ...(batchSize === undefined ? {} : { batchSize }),
        ...(onProgress === undefined ? {} : { onProgress }),
        ...(signal === undefined ? {} : { signal }),
      };
      const evaluation =
        "detectTask" in task
          ? await evaluateDetector(task, data.dataset, measuring)
          : await evaluateSegmenter(task, data.dataset, { ...measuring, ...(kind === undefined ? {} : { kind }) });
      return { ...evaluation, model: task.card.name, data: dataPath, split: data.split, device: task.device };
    },
    [Symbol.asyncDispose]: () => task.dispose(),
  };
}
