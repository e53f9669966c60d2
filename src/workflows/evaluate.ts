// Evaluation as a whole, from a model's name and a path to numbers: what `evaluate` of the library and `saccade eval` do.

import { largestThingNote, withThings } from "../data/annotated/largest-things.ts";
import type { OpenDatasetOptions } from "../data/open.ts";
import type { SplitName } from "../data/samples.ts";
import { FormatError, UsageError } from "../errors.ts";
import { type Boxes, findBoxesFile, readBoxes } from "../evaluate/boxes.ts";
import { type EvaluationData, openForEvaluation, spreadSubset } from "../evaluate/dataset-split.ts";
import { type Evaluation, evaluate as evaluateDataset } from "../evaluate/evaluate.ts";
import { findTrainingRun, type TrainingRun } from "../evaluate/training-run.ts";
import type { Decoding } from "../image/raw-image.ts";
import { loadModel } from "../model-folder/load.ts";
import type { LoadedModel } from "../model-folder/model.ts";
import type { TrainingHost } from "../platform/host.ts";
import type { ActualDevice } from "../runtime/session.ts";
import {
  type AdaptiveClassifier,
  isAdaptive,
  loadAdaptiveClassifier,
  looksInSteps,
} from "../tasks/classify/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../tasks/classify/classifier.ts";
import type { EngineOptions } from "../tasks/engine/engine.ts";

/** What an evaluation needs of a machine. */
export type EvaluationHost = Omit<TrainingHost, "createDataWorkers">;

export interface EvaluateOptions extends Omit<EngineOptions, "expectedPictures"> {
  /** Which part of the data. Default: the first there is of validation, test and train. */
  readonly split?: SplitName;
  /** Of undivided data, the share that training kept for validation, 0..1. Default: its run's, else 0.1. */
  readonly validationFraction?: number;
  /** That training parted the data with. Default: its run's, else 0. */
  readonly seed?: number;
  /** Only this many pictures, spread over the data. Default: all. */
  readonly limit?: number;
  /** "fast": large photographs are decoded no larger than the model needs. Default "exact". */
  readonly decode?: Decoding;
  /** Pictures that run together. Default 32. */
  readonly batchSize?: number;
  /** Path of a JSON file that says where the objects are. Default: SPLIT-boxes.json beside the data, if it is there. */
  readonly boxes?: string;
  /** Of a model with early answers: how right each is, and what stopping early saves. Default: for models that always run in steps. */
  readonly steps?: boolean;
  /** The model, where its caller has loaded it. Default: it is loaded by its name. */
  readonly loaded?: LoadedModel;
  /** Called as pictures get done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What was measured, and of what. */
export interface ModelEvaluation extends Evaluation {
  /** The model's name. */
  readonly model: string;
  /** Path of the data. */
  readonly data: string;
  readonly split: SplitName;
  readonly device: ActualDevice;
}

/** A model and the data that it is to be measured on, both open. */
export interface OpenEvaluation extends AsyncDisposable {
  readonly classifier: Classifier | AdaptiveClassifier;
  readonly data: EvaluationData;
  readonly boxes: Boxes | undefined;
  /** The run that the model is from, where it still lies in its folder. */
  readonly run: TrainingRun | undefined;
  /** @param onProgress instead of the options' */
  measure(onProgress?: EvaluateOptions["onProgress"]): Promise<ModelEvaluation>;
}

/**
 * Measures a model on labelled pictures. Labels are matched by name.
 *
 * @param model registered or bundled name, model folder, checkpoint or ONNX file
 * @param dataPath folder, list or archive of labelled pictures
 * @throws UsageError for a split that is not there, or a model without labels; NotFoundError; FormatError; AbortedError when the signal fires
 */
export async function evaluate(
  host: EvaluationHost,
  model: string,
  dataPath: string,
  options: EvaluateOptions = {},
): Promise<ModelEvaluation> {
  await using opened = await openEvaluation(host, model, dataPath, options);
  // Awaited here: the model is closed when this function ends.
  return await opened.measure();
}

/** The same in two steps, for callers that need the model and the data besides the numbers. */
export async function openEvaluation(
  host: EvaluationHost,
  model: string,
  dataPath: string,
  options: EvaluateOptions = {},
): Promise<OpenEvaluation> {
  const { batchSize, signal, decode = "exact" } = options;
  const run = await findTrainingRun(host.files, model);
  const data = ofThings(await openData(host, dataPath, run, options), dataPath, options.onNotice);
  const classifier = await openClassifier(host, model, data.dataset.length, options);
  const boxes = await openBoxes(host, dataPath, data.split, classifier, options).catch(async (error: unknown) => {
    await classifier.dispose();
    throw error;
  });
  return {
    classifier,
    data,
    boxes,
    run,
    async measure(onProgress = options.onProgress) {
      const evaluation = await evaluateDataset(classifier, data.dataset, {
        files: host.dataFiles,
        decode: (bytes, more) => host.decode(bytes, { ...more, decode }),
        ...(batchSize === undefined ? {} : { batchSize }),
        ...(boxes === undefined ? {} : { boxes }),
        ...(onProgress === undefined ? {} : { onProgress }),
        ...(signal === undefined ? {} : { signal }),
      });
      const { card, device } = classifier;
      return { ...evaluation, model: card.name, data: dataPath, split: data.split, device };
    },
    [Symbol.asyncDispose]: () => classifier.dispose(),
  };
}

/** Of annotated pictures those that have a class, which is that of their largest thing. */
function ofThings(data: EvaluationData, path: string, onNotice: EvaluateOptions["onNotice"]): EvaluationData {
  if (data.dataset.annotations === undefined) return data;
  const dataset = withThings(data.dataset);
  if (dataset.length === 0)
    throw new FormatError(path, "there is no thing on any of its pictures, so none of them has a class");
  onNotice?.(largestThingNote("the model is asked", data.dataset.length - dataset.length));
  return { ...data, dataset };
}

/** The part of the data that is measured. */
export async function openData(
  host: EvaluationHost,
  path: string,
  run: TrainingRun | undefined,
  options: Pick<EvaluateOptions, "split" | "validationFraction" | "limit" | "onNotice" | "seed"> &
    Pick<OpenDatasetOptions, "kind">,
): Promise<EvaluationData> {
  const { split, validationFraction, limit, onNotice, kind, seed = run?.seed } = options;
  const data = await openForEvaluation(host.dataFiles, path, {
    ...(kind === undefined ? {} : { kind }),
    ...(split === undefined ? {} : { split }),
    ...(validationFraction === undefined ? {} : { validationFraction }),
    ...(run?.validationFraction === undefined ? {} : { heldBack: run.validationFraction }),
    ...(seed === undefined ? {} : { seed }),
  });
  const dataset = limit === undefined ? data.dataset : spreadSubset(data.dataset, limit);
  onNotice?.(`${data.split}: ${dataset.describe()}`);
  if (data.isUndivided && split === undefined)
    onNotice?.(
      "the data is one undivided set, so all of it is measured; if the model was trained on it, measure what training held back: --split validation",
    );
  return { ...data, dataset };
}

async function openClassifier(
  host: EvaluationHost,
  name: string,
  pictures: number,
  options: EvaluateOptions,
): Promise<Classifier | AdaptiveClassifier> {
  const { sessions, steps = false } = options;
  const model = options.loaded ?? (await loadModel(host, name, options));
  if (steps && !isAdaptive(model))
    throw new UsageError(`${model.card.name} does not run in steps`, "leave --steps and --save-thresholds out");
  const inSteps = steps || looksInSteps(model);
  if (inSteps && sessions !== undefined && sessions !== "auto")
    throw new UsageError(`${model.card.name} runs in steps, in one session`, "leave --sessions out");
  return (inSteps ? loadAdaptiveClassifier : loadClassifier)(host, model, {
    ...options,
    sessions: sessions ?? "auto",
    expectedPictures: pictures,
  });
}

async function openBoxes(
  host: EvaluationHost,
  dataPath: string,
  split: SplitName,
  { looks }: Classifier | AdaptiveClassifier,
  { boxes, views = "center" }: EvaluateOptions,
): Promise<Boxes | undefined> {
  if (views !== "center") {
    // A point outside of the view that it belongs to sees nothing, even where it lies on the object.
    if (boxes === undefined) return undefined;
    throw new UsageError(
      "where a model looks is measured on its own view of a picture",
      "leave the boxes or the views out",
    );
  }
  if (boxes !== undefined) return readBoxes(host.files, boxes);
  if (!looks) return undefined;
  const found = await findBoxesFile(host.dataFiles, host.absolutePath(dataPath), split);
  return found === undefined ? undefined : readBoxes(host.files, found);
}
