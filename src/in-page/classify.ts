// Naming what is in pictures, in a page.
import { createWebHost, webFiles } from "../platform/web/host.ts";
import { type FetchOptions, openModelSource, type WebModelSource } from "../platform/web/model-source.ts";
import {
  type AdaptiveClassifier as AdaptiveClassifierTask,
  type AdaptiveClassifyOptions,
  type AdaptiveResult,
  loadAdaptiveClassifier,
} from "../tasks/classify/adaptive-classifier.ts";
import {
  type Classifier as ClassifierTask,
  type ClassifyOptions,
  loadClassifier,
} from "../tasks/classify/classifier.ts";
import type { ClassificationResult } from "../tasks/classify/results.ts";
import type { EngineOptions } from "../tasks/engine/engine.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import {
  loadStream,
  type StreamClassifier as StreamClassifierTask,
  type StreamOptions,
} from "../tasks/stream/stream-classifier.ts";
import {
  type ZeroShotOptions as AnyZeroShotOptions,
  loadZeroShot,
  type ZeroShotClassifier as ZeroShotClassifierTask,
  type ZeroShotClassifyOptions,
} from "../tasks/zero-shot/zero-shot-classifier.ts";
import { loadFrom, type PictureSource, type PictureSources } from "./sources.ts";

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
   * const classifier = await Classifier.load("saccade/photographs", { onProgress: ({ received, total }) => show(received, total) });
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

/** Names what is in moving pictures as they come, and looks where they changed. */
export type StreamClassifier = StreamClassifierTask;

export const StreamClassifier = {
  /**
   * Loads a model to follow one source with: what a canvas gives of a camera's frames is pushed, and frames that come too fast are dropped.
   *
   * @throws as Classifier.load; UsageError for `steps` with a model that cannot take them
   * @example
   * const stream = await StreamClassifier.load("saccade/photographs");
   * const answer = await stream.push(context.getImageData(0, 0, width, height)); // undefined when a newer frame came before its turn
   */
  load: (source: WebModelSource, options: StreamOptions & FetchOptions = {}): Promise<StreamClassifier> =>
    loadFrom(source, options, (host, model) => loadStream(host, model, options)),
};
