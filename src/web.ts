/// <reference lib="esnext.disposable" preserve="true" />
// The public entry for pages and their workers: the library's tasks bound to the browser. The names are those of the entry for Node.
import { UsageError } from "./errors.ts";
import { benchModels } from "./evaluate/bench/bench.ts";
import type { BenchHooks } from "./evaluate/bench/hooks.ts";
import type { BenchMeasures, OpenModel } from "./evaluate/bench/plan.ts";
import type { BenchReport } from "./evaluate/bench/report.ts";
import { subjectOf } from "./evaluate/bench/subjects.ts";
import { encodeSheet, type SheetFormat } from "./evaluate/sheet-file.ts";
import { type DrawGazeOptions, type Gaze, gazeSheet } from "./image/explain.ts";
import { type Glimpse, glimpseSheet } from "./image/glimpses.ts";
import { type Pixels, rgbPixels } from "./image/pixels.ts";
import type { DecodeOptions, RawImage } from "./image/raw-image.ts";
import type { SheetOptions } from "./image/sheet.ts";
import { type ExportOptions, exportOnnx as exportLoaded } from "./model-folder/compile.ts";
import { type LoadOptions, loadModel, type ModelFileSource, requireNative } from "./model-folder/load.ts";
import { type ModelFacts, modelFacts } from "./model-folder/model-facts.ts";
import { openDataSource, type WebDataSource } from "./platform/web/data-source.ts";
import { createWebHost, type WebHost, webFiles } from "./platform/web/host.ts";
import { measuringHost } from "./platform/web/measuring.ts";
import { type FetchOptions, openModelSource, type WebModelSource } from "./platform/web/model-source.ts";
import type { DrawablePicture } from "./platform/web/picture-source.ts";
import { sessionThreads } from "./platform/web/threads.ts";
import { createWebTrainingHost } from "./platform/web/training-host.ts";
import type { Session, SessionOptions } from "./runtime/session.ts";
import {
  type AdaptiveClassifier as AdaptiveClassifierTask,
  type AdaptiveClassifyOptions,
  type AdaptiveResult,
  loadAdaptiveClassifier,
} from "./tasks/classify/adaptive-classifier.ts";
import {
  type Classifier as ClassifierTask,
  type ClassifyOptions,
  loadClassifier,
} from "./tasks/classify/classifier.ts";
import type { ClassificationResult } from "./tasks/classify/results.ts";
import {
  type EmbedderOptions,
  type Embedder as EmbedderTask,
  type EmbedOptions,
  loadEmbedder,
} from "./tasks/embed/embedder.ts";
import type { EngineOptions } from "./tasks/engine/engine.ts";
import type { Answered } from "./tasks/engine/picture-stream.ts";
import { type PictureSource as AnyPictureSource, readPicture } from "./tasks/engine/pictures.ts";
import type { LearntExample } from "./tasks/recognise/example-set.ts";
import type { RecogniserFit } from "./tasks/recognise/fit-recogniser.ts";
import type { LabelledPicture as AnyLabelledPicture, ExampleOptions } from "./tasks/recognise/learn-pictures.ts";
import { type Measured, Recogniser as RecogniserTask, type Recognition } from "./tasks/recognise/recogniser.ts";
import type { RecogniserOptions } from "./tasks/recognise/recogniser-options.ts";
import {
  loadTextEmbedder,
  type TextEmbedderOptions,
  type TextEmbedder as TextEmbedderTask,
} from "./tasks/zero-shot/text-embedder.ts";
import {
  type ZeroShotOptions as AnyZeroShotOptions,
  loadZeroShot,
  type ZeroShotClassifier as ZeroShotClassifierTask,
  type ZeroShotClassifyOptions,
} from "./tasks/zero-shot/zero-shot-classifier.ts";
import { version } from "./version.ts";
import { isResumable as isResumableRun, train as trainModel } from "./workflows/train.ts";
import type { TrainOptions as AnyTrainOptions, TrainResult } from "./workflows/train-options.ts";

export { type DoubtfulExamples, doubtfulExamples, type ExampleDoubt } from "./audit/example-doubts.ts";
export {
  AbortedError,
  FormatError,
  ImageError,
  type ImageErrorCode,
  LimitError,
  NetworkError,
  NotFoundError,
  SaccadeError,
  SessionError,
  ShapeError,
  UsageError,
  WeightsMismatchError,
} from "./errors.ts";
export { benchToCsv } from "./evaluate/bench/csv.ts";
export type { BenchHooks, BenchProgress } from "./evaluate/bench/hooks.ts";
export { type BenchReport, type BenchRow, printBenchReport } from "./evaluate/bench/report.ts";
export {
  type BenchColumn,
  benchColumns,
  benchIntroduction,
  benchLegend,
  benchToMarkdown,
} from "./evaluate/bench/table.ts";
export { evaluateExits, exitShares, solveThresholds } from "./evaluate/early-exit.ts";
export type { SheetFormat } from "./evaluate/sheet-file.ts";
export { type DrawGazeOptions, drawGaze } from "./image/explain.ts";
export { drawGlimpses, type Glimpse } from "./image/glimpses.ts";
export type { Pixels } from "./image/pixels.ts";
export type { DecodeOptions, RawImage } from "./image/raw-image.ts";
export type { Resolution } from "./image/resolution.ts";
export type { FeatureViews, Jitter, Views } from "./image/views.ts";
export type { ExportOptions } from "./model-folder/compile.ts";
export type { ModelFacts } from "./model-folder/model-facts.ts";
export { type ModelDefinition, type RegisteredModel, registry } from "./models/registry.ts";
export type { ScoreKind } from "./onnx/score-kind.ts";
export type {
  TrainingPicture,
  TrainingPictureSource,
  WebDataSource as DataSource,
} from "./platform/web/data-source.ts";
export type { DownloadProgress } from "./platform/web/download.ts";
export type { EngineFiles } from "./platform/web/engine-files.ts";
export type { WebModelSource as ModelSource } from "./platform/web/model-source.ts";
export { type CachedModel, cachedModels, forgetModels } from "./platform/web/pulled-models.ts";
export { configure, type WebSettings } from "./platform/web/settings.ts";
export type { Device, RunOptions, Session, SessionOptions, ValueInfo } from "./runtime/session.ts";
export type { SessionLayout } from "./runtime/session-layout.ts";
export type {
  AdaptiveClassifyOptions,
  AdaptiveOptions,
  AdaptiveResult,
  AdaptiveScores,
  AdaptiveStep,
  Box,
} from "./tasks/classify/adaptive-classifier.ts";
export type { ClassifyOptions } from "./tasks/classify/classifier.ts";
export type { ExitOptions, StopReason } from "./tasks/classify/exit-rule.ts";
export type { ClassificationResult, ClassScores, GazeResult, GazeStage, Prediction } from "./tasks/classify/results.ts";
export type { EmbedderOptions, EmbedOptions, FeatureOptions } from "./tasks/embed/embedder.ts";
export type { Projection } from "./tasks/embed/finish.ts";
export type { Pooling } from "./tasks/embed/pooling.ts";
export { type EmbeddingSpace, requireSameSpace } from "./tasks/embed/space.ts";
export type { EngineOptions } from "./tasks/engine/engine.ts";
export type { Answered } from "./tasks/engine/picture-stream.ts";
export type { LearntExample } from "./tasks/recognise/example-set.ts";
export { fitExamples } from "./tasks/recognise/fit-examples.ts";
export type { Confusion, CrossValidated, HeadOptions, RecogniserFit } from "./tasks/recognise/fit-recogniser.ts";
export type { TextOptions } from "./tasks/recognise/label-texts.ts";
export type { PictureProblem } from "./tasks/recognise/learn-pictures.ts";
export type { Measured, Recognition } from "./tasks/recognise/recogniser.ts";
export type { RecogniserOptions } from "./tasks/recognise/recogniser-options.ts";
export { labelVectors, type PromptOptions } from "./tasks/zero-shot/label-vectors.ts";
export { DEFAULT_TEMPLATES } from "./tasks/zero-shot/prompts.ts";
export type { EmbedTextOptions, TextEmbedderOptions } from "./tasks/zero-shot/text-embedder.ts";
export type { ZeroShotClassifyOptions } from "./tasks/zero-shot/zero-shot-classifier.ts";
export type { DType, TensorData } from "./tensor.ts";
export type { EpochChoice, EpochSummary } from "./train/epoch-choice.ts";
export type { Evaluation as EpochEvaluation, FitReport } from "./train/fit-options.ts";
export type { DistillationInput, LookingInput, RecipeInput } from "./train/recipe-fields.ts";
export type { StagedRecipeInput } from "./train/staged-recipe.ts";
export type { TrainPlan, TrainResult } from "./workflows/train-options.ts";
export { version };

/**
 * What a page has as a picture: a Blob or File (or its handle), an ImageBitmap, ImageData, an img, canvas or video element, an OffscreenCanvas, a VideoFrame, an
 * address (a URL, or a string relative to the page: it is fetched), the bytes of a picture file, the Response of a fetch, or RGB(A) pixels.
 */
export type PictureSource = AnyPictureSource | DrawablePicture | FileSystemFileHandle;

/** A picture and what is in it. */
export interface LabelledPicture extends Omit<AnyLabelledPicture, "picture"> {
  readonly picture: PictureSource;
}

type PictureSources = Iterable<PictureSource> | AsyncIterable<PictureSource>;
type LabelledPictures = Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>;

const host = /* @__PURE__ */ createWebHost();

/** Opens what a page has as a model, and loads it from there. */
async function loadFrom<T>(
  source: WebModelSource,
  options: FetchOptions,
  load: (host: WebHost, source: ModelFileSource) => Promise<T>,
): Promise<T> {
  const opened = await openModelSource(webFiles, source, options);
  return load(createWebHost(opened.files), opened.source);
}

/** Names what is in pictures. */
export interface Classifier extends Omit<ClassifierTask, "classify" | "classifyAll"> {
  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  classify(picture: PictureSource, options?: ClassifyOptions): Promise<ClassificationResult>;
  classify(pictures: readonly PictureSource[], options?: ClassifyOptions): Promise<ClassificationResult[]>;
  /** Any number of pictures, each with its result or the error why it has none, in their order; the next ones are read while batches run. */
  classifyAll(
    pictures: PictureSources,
    options?: ClassifyOptions,
  ): AsyncGenerator<Answered<PictureSource, ClassificationResult>>;
}

export const Classifier = {
  /**
   * Loads a model: a bundled or registered name, an address, a File or folder that a person has chosen, the bytes of a file. What is fetched is
   * kept by the browser.
   *
   * @throws NetworkError, NotFoundError, FormatError, WeightsMismatchError, SessionError, UsageError
   * @example
   * const classifier = await Classifier.load("saccade/everyday", { onProgress: ({ received, total }) => show(received, total) });
   * const { predictions, gaze } = await classifier.classify(video, { explain: true });
   */
  load: (source: WebModelSource, options: EngineOptions & FetchOptions = {}): Promise<Classifier> =>
    loadFrom(source, options, (host, model) => loadClassifier(host, model, options)),
};

/** Names what is in pictures, and looks only as long as it must. */
export interface AdaptiveClassifier extends Omit<AdaptiveClassifierTask, "classify" | "classifyAll"> {
  classify(picture: PictureSource, options?: AdaptiveClassifyOptions): Promise<AdaptiveResult>;
  classify(pictures: readonly PictureSource[], options?: AdaptiveClassifyOptions): Promise<AdaptiveResult[]>;
  classifyAll(
    pictures: PictureSources,
    options?: AdaptiveClassifyOptions,
  ): AsyncGenerator<Answered<PictureSource, AdaptiveResult>>;
}

export const AdaptiveClassifier = {
  /**
   * Loads a model that runs in steps, each of which has an answer.
   *
   * @throws UsageError when the model has no steps; what `Classifier.load` throws
   * @example
   * const classifier = await AdaptiveClassifier.load(file);
   * const { predictions, steps, stopped } = await classifier.classify(canvas, { threshold: 0.9, budgetMs: 50 });
   */
  load: (source: WebModelSource, options: EngineOptions & FetchOptions = {}): Promise<AdaptiveClassifier> =>
    loadFrom(source, options, (host, model) => loadAdaptiveClassifier(host, model, options)),
};

/** Turns pictures into vectors. */
export interface Embedder extends Omit<EmbedderTask, "embed" | "embedAll" | "embedViews"> {
  embed(picture: PictureSource, options?: EmbedOptions): Promise<Float32Array>;
  embed(pictures: readonly PictureSource[], options?: EmbedOptions): Promise<Float32Array[]>;
  embedAll(pictures: PictureSources, options?: EmbedOptions): AsyncGenerator<Answered<PictureSource, Float32Array>>;
  embedViews(pictures: PictureSources, options?: EmbedOptions): AsyncGenerator<Answered<PictureSource, Float32Array[]>>;
}

export const Embedder = {
  /** Throws what `Classifier.load` throws. */
  load: (source: WebModelSource, options: EmbedderOptions & FetchOptions = {}): Promise<Embedder> =>
    loadFrom(source, options, (host, model) => loadEmbedder(host, model, options)),
};

/** Turns texts into vectors that pictures' are compared with. */
export type TextEmbedder = TextEmbedderTask;

export const TextEmbedder = {
  /**
   * Loads a text model: a folder with its vocabulary, chosen by a person or on a server, or a registered name that was pulled.
   *
   * @throws NotFoundError without weights or a vocabulary; UsageError for a model of pictures; what `Classifier.load` throws
   */
  load: (source: WebModelSource, options: TextEmbedderOptions & FetchOptions = {}): Promise<TextEmbedder> =>
    loadFrom(source, options, (host, model) => loadTextEmbedder(host, model, options)),
};

/** Names what is in pictures among labels that are given with them. */
export interface ZeroShotClassifier extends Omit<ZeroShotClassifierTask, "classify" | "naming"> {
  classify(
    picture: PictureSource,
    labels: readonly string[],
    options?: ZeroShotClassifyOptions,
  ): Promise<ClassificationResult>;
  classify(
    pictures: readonly PictureSource[],
    labels: readonly string[],
    options?: ZeroShotClassifyOptions,
  ): Promise<ClassificationResult[]>;
  naming(...args: Parameters<ZeroShotClassifierTask["naming"]>): Promise<Classifier>;
}

export interface ZeroShotOptions extends Omit<AnyZeroShotOptions, "textModel">, FetchOptions {
  /** The text model whose vectors are compared with the pictures'. Default: the one that the model says belongs to it. */
  readonly textModel?: WebModelSource;
}

export const ZeroShotClassifier = {
  /**
   * Loads a model of pictures and the text model that belongs to it.
   *
   * @throws UsageError for a model without a text model; what `Classifier.load` throws
   * @example
   * const classifier = await ZeroShotClassifier.load(pictureFolder, { textModel: textFolder });
   * const { predictions } = await classifier.classify(canvas, ["a sheep", "a boat", "a dog"]);
   */
  async load(source: WebModelSource, options: ZeroShotOptions = {}): Promise<ZeroShotClassifier> {
    const { textModel, ...rest } = options;
    const pictures = await openModelSource(webFiles, source, options);
    if (textModel === undefined) return loadZeroShot(createWebHost(pictures.files), pictures.source, rest);
    const texts = await openModelSource(pictures.files, textModel, options);
    return loadZeroShot(createWebHost(texts.files), pictures.source, { ...rest, textModel: texts.source });
  },
};

/** Names what it was shown a few pictures of; learns more, and forgets. */
export interface Recogniser extends Omit<RecogniserTask, "add" | "merge" | "classify" | "measure"> {
  /** Learns more pictures, of classes that it knows or of new ones. Nothing changes when that fails. */
  add(pictures: LabelledPictures, options?: ExampleOptions): Promise<void>;
  /** Learns what another recogniser has learnt on the same features. */
  merge(other: Recogniser): Promise<void>;
  classify(picture: PictureSource): Promise<Recognition>;
  classify(pictures: readonly PictureSource[]): Promise<Recognition[]>;
  measure(pictures: LabelledPictures, options?: ExampleOptions): Promise<Measured>;
}

export const Recogniser = {
  /**
   * Learns classes from a few pictures of each, on the features of any model.
   *
   * @throws UsageError for fewer than two classes, or two pictures of one; what `Classifier.load` throws
   * @example
   * const recogniser = await Recogniser.learn("saccade/everyday", [
   *   { picture: teaFrame, label: "tea" }, { picture: otherTeaFrame, label: "tea" },
   *   { picture: mugFrame, label: "mug" }, { picture: otherMugFrame, label: "mug" },
   * ], { unknown: 0.05 });
   * const { predictions, unknown } = await recogniser.classify(video);
   * await recogniser.save("my-model"); // a folder in the browser's storage
   */
  learn: (
    source: WebModelSource,
    pictures: LabelledPictures,
    options: RecogniserOptions & FetchOptions = {},
  ): Promise<Recogniser> =>
    loadFrom(source, options, (host, model) =>
      RecogniserTask.learn(host, model, pictures as Iterable<AnyLabelledPicture>, options),
    ),
  /**
   * Learns classes from pictures whose features are known already: nothing goes through the model.
   *
   * @param options `fit` is what `fitExamples` made of the same examples, perhaps in a worker
   * @throws UsageError for features of another width, fewer than two classes, or fewer than two pictures of one; what `Classifier.load` throws
   */
  fromExamples: (
    source: WebModelSource,
    examples: Iterable<LearntExample>,
    options: Omit<RecogniserOptions, "text"> & { readonly fit?: RecogniserFit } & FetchOptions = {},
  ): Promise<Recogniser> =>
    loadFrom(source, options, (host, model) => RecogniserTask.fromExamples(host, model, examples, options)),
  /**
   * Opens what `save` wrote, in the browser's storage or in a folder that a person has chosen, to learn on.
   *
   * @example
   * const recogniser = await Recogniser.load("my-model");
   * await recogniser.add([{ picture: spoonFrame, label: "spoon" }, { picture: otherSpoonFrame, label: "spoon" }]);
   * await recogniser.forget("mug");
   * await recogniser.save("my-model");
   */
  load: (folder: WebModelSource, options: RecogniserOptions & FetchOptions = {}): Promise<Recogniser> =>
    loadFrom(folder, options, (host, path) => RecogniserTask.load(host, requirePath(path), options)),
};

function requirePath(source: ModelFileSource): string {
  if (typeof source === "string") return source;
  throw new UsageError("a recogniser is a folder: its path in the browser's storage, or a folder that was chosen");
}

export interface TrainOptions extends Omit<AnyTrainOptions, "from"> {
  /** The model whose weights it begins with, with a new last layer; "scratch": none. Default: what the recipe says. */
  readonly from?: WebModelSource;
}

/**
 * Trains a recogniser on labelled pictures, or goes on with a run that was stopped: the same step, the same run folders and, from the same seed and pixels, the same
 * numbers as in Node. The run's folder is in the browser's storage, so that it survives a reload, a crash and a tab that was put to sleep.
 *
 * @param data the person's folder or files, pictures in memory, or a path in the browser's storage. What is not in that storage must be handed over
 * again to resume.
 * @throws what `train` of the entry for Node throws; SaccadeError when the browser's storage is full
 * @example
 * const { model, choice } = await train(folderHandle, { folder: "runs/flowers", epochs: 6, onEpoch: (epoch, _, scores) => show(epoch, scores?.top1) });
 * const classifier = await Classifier.load(model);
 * // after a reload
 * if (await isResumable("runs/flowers")) await train(folderHandle, { folder: "runs/flowers", resume: true });
 */
export async function train(data: WebDataSource | undefined, options: TrainOptions = {}): Promise<TrainResult> {
  const { from, ...rest } = options;
  const model = await openModelSource(webFiles, from ?? "scratch");
  if (typeof model.source !== "string")
    throw new UsageError("training begins with a model that has a name", "choose its file or folder, or give its name");
  const opened = data === undefined ? { files: model.files, path: undefined } : await openDataSource(model.files, data);
  return trainModel(createWebTrainingHost(opened.files), opened.path, {
    ...rest,
    ...(from === undefined ? {} : { from: model.source }),
  });
}

/** Whether a run in the browser's storage has a checkpoint to go on from. */
export const isResumable = (folder: string): Promise<boolean> => isResumableRun(webFiles, folder);

/** What the browser keeps for this library: saved models, runs, whatever a page puts there. */
export const files = webFiles;

/**
 * A model as one ONNX file, with its labels and its transform inside.
 *
 * @throws UsageError for a model that is an ONNX file already; what `Classifier.load` throws
 */
export const exportOnnx = (
  source: WebModelSource,
  { onProgress, signal, ...options }: ExportOptions & FetchOptions = {},
): Promise<Uint8Array> =>
  loadFrom(source, { ...(onProgress && { onProgress }), ...(signal && { signal }) }, async (host, model) =>
    exportLoaded(requireNative(await loadModel(host, model, { seesPictures: false })), {
      producerVersion: version,
      ...options,
    }),
  );

/** Sessions over any ONNX bytes, in module workers. */
export const createSession = (model: Uint8Array, options?: SessionOptions): Promise<Session> =>
  host.createSession(model, options);
/** Pictures to pixels. */
export const decodeImage = (picture: PictureSource, options?: DecodeOptions): Promise<RawImage> =>
  readPicture(host, picture as AnyPictureSource, options);
/** Pixels to PNG bytes. */
export const encodePng = (pixels: Pixels): Promise<Uint8Array> => host.encodePng(rgbPixels(pixels));

/**
 * What `drawGaze` draws, as the bytes of a file, with labels in the browser's typefaces.
 *
 * @param options `format` is "png" (default), "svg" or "html", which keep labels of any script as text
 * @example
 * const { gaze } = await classifier.classify(image, { explain: true });
 * if (gaze) link.href = URL.createObjectURL(new Blob([await encodeGaze(await decodeImage(image), gaze)]));
 */
export const encodeGaze = async (
  picture: Pixels,
  gaze: Gaze,
  { format = "png", ...options }: DrawGazeOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(gazeSheet(picture, gaze, options), format, host);

/** What `drawGlimpses` draws, as `encodeGaze` makes files. */
export const encodeGlimpses = async (
  picture: Pixels,
  glimpses: readonly Glimpse[],
  { format = "png", ...options }: SheetOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(glimpseSheet(picture, glimpses, options), format, host);

/**
 * What a model is, before it is run: its card, its size and cost, and which of its dials there are.
 *
 * @throws what `Classifier.load` throws
 * @example
 * const { parameters, steps, takesAnySize } = await describeModel("saccade/everyday");
 */
export const describeModel = (source: WebModelSource, options: LoadOptions & FetchOptions = {}): Promise<ModelFacts> =>
  loadFrom(source, options, async (host, model) => modelFacts(await loadModel(host, model, options)));

/** A model to be measured. */
export interface BenchedModel {
  /** For the report. */
  readonly name: string;
  readonly source: WebModelSource;
  /** Heights and widths, in pixels. Default: the model's usual size. */
  readonly resolutions?: readonly number[];
}

export interface PageBenchOptions
  extends Partial<Omit<BenchMeasures, "fresh" | "trace" | "decode" | "seed">>,
    BenchHooks {}

/**
 * Measures models against each other, round by round: what `saccade bench` does, with what a page can know. Tables of a report are made by
 * `benchColumns`, `benchToCsv` and `benchToMarkdown`.
 *
 * @throws UsageError when there is nothing to measure, AbortedError before a whole round is measured, what `Classifier.load` throws
 * @example
 * const report = await bench([{ name: "everyday", source: "saccade/everyday", resolutions: [112, 224] }], { seconds: 5 });
 */
export async function bench(models: readonly BenchedModel[], options: PageBenchOptions = {}): Promise<BenchReport> {
  const { signal, onNotice, onProgress, ...measures } = options;
  const hooks = { ...(signal && { signal }), ...(onNotice && { onNotice }), ...(onProgress && { onProgress }) };
  const opened: OpenModel[] = [];
  for (const { name, source, resolutions = [] } of models) {
    onProgress?.({ stage: "loading", done: opened.length / models.length, detail: name });
    const loaded = await loadFrom(source, { ...hooks, onProgress: () => undefined }, (host, model) =>
      loadModel(host, model),
    );
    opened.push({ subject: subjectOf(name, loaded), resolutions });
  }
  const usual: BenchMeasures = {
    ...{
      batches: [1],
      devices: ["auto"],
      precisions: ["float32"],
      threads: [sessionThreads(undefined).threads],
    },
    ...{ rounds: 20, seconds: 8, seed: 0, decode: false, limit: false, fresh: false, trace: false },
  };
  return benchModels(measuringHost(host), opened, { ...usual, ...measures }, version, hooks);
}
