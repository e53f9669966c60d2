// Naming by text: what is in a picture is the label whose sentence lies nearest to it.
import { SessionError } from "../../errors.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import { elementCount, type TensorData, toFloat32 } from "../../tensor.ts";
import { Classifier, type ClassifyOptions, type Scoring } from "../classify/classifier.ts";
import type { ClassificationResult, ScoreRow } from "../classify/results.ts";
import { unit } from "../embed/finish.ts";
import { pooledLayer } from "../embed/layer-shape.ts";
import { Engine, type EngineOptions, loadedModel, type ModelSource } from "../engine/engine.ts";
import type { PictureSource } from "../engine/pictures.ts";
import { labelVectors, type PromptOptions } from "./label-vectors.ts";
import { pairedTexts, requirePair, textOptions } from "./paired-texts.ts";
import type { TextEmbedder } from "./text-embedder.ts";

export interface ZeroShotOptions extends Omit<EngineOptions, "labels" | "scores"> {
  /** The text model whose vectors are compared with the pictures'. Default: the one that the model says belongs to it. */
  readonly textModel?: ModelSource;
  /** Keep texts' vectors in the cache folder, for the next time. Default true. */
  readonly cache?: boolean;
}

export interface ZeroShotClassifyOptions extends ClassifyOptions, PromptOptions {}

/**
 * A model that names what is in a picture among labels that are given with it.
 *
 * @example
 * const classifier = await ZeroShotClassifier.load("sparseformer_btsp_openai_clip_base");
 * const { predictions } = await classifier.classify("photo.jpg", ["a sheep", "a boat", "a dog"]);
 */
export class ZeroShotClassifier {
  readonly #engine: Engine;

  constructor(
    engine: Engine,
    /** The text model. */
    readonly texts: TextEmbedder,
  ) {
    this.#engine = engine;
  }

  get card(): ModelCard {
    return this.#engine.model.card;
  }

  get device(): ActualDevice {
    return this.#engine.device;
  }

  /**
   * One picture in, one result out; an array in, an array out. Scores are probabilities among these labels: one of them is always the likeliest.
   *
   * @throws UsageError for labels or templates that make no sense
   */
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
  async classify(
    pictures: PictureSource | readonly PictureSource[],
    labels: readonly string[],
    { templates, truncate, ...options }: ZeroShotClassifyOptions = {},
  ): Promise<ClassificationResult | ClassificationResult[]> {
    const classifier = await this.naming(labels, {
      ...(templates === undefined ? {} : { templates }),
      ...(truncate === undefined ? {} : { truncate }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return Array.isArray(pictures)
      ? classifier.classify(pictures as readonly PictureSource[], options)
      : classifier.classify(pictures as PictureSource, options);
  }

  /** A classifier of these labels, for many pictures. It shares this one's sessions, and ends with it. */
  async naming(labels: readonly string[], options: PromptOptions = {}): Promise<Classifier> {
    const vectors = await labelVectors(this.texts, labels, options);
    const { model } = this.#engine;
    const scale = await this.texts.scale();
    const scoring: Scoring = {
      output: model.embeddingName,
      labels: [...labels],
      rows: (output, batch) => similarities(output, batch, vectors, scale, model.card.name),
    };
    return new Classifier(this.#engine, scoring);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#engine.dispose(), this.texts.dispose()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Scaled cosines of pictures' vectors (batch, width) with the labels': logits. */
function similarities(
  output: TensorData,
  batch: number,
  labels: readonly Float32Array[],
  scale: number,
  name: string,
): (ScoreRow | SessionError)[] {
  const width = elementCount(output.shape) / batch;
  const data = toFloat32(output);
  return Array.from({ length: batch }, (_, i) => {
    const vector = unit(data.slice(i * width, (i + 1) * width));
    if (!vector.every(Number.isFinite))
      return new SessionError(`the embedding of ${name} is not all finite numbers`, {
        hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
      });
    const dot = (label: Float32Array) => label.reduce((sum, value, at) => sum + value * vector[at]!, 0);
    return { scores: Float32Array.from(labels, (label) => scale * dot(label)), kind: "logits" };
  });
}

/**
 * Loads a model of pictures with its text model.
 *
 * @throws UsageError when the model does not say which text model belongs to it, and for two whose vectors differ in length; NotFoundError where
 * either is not here
 */
export async function loadZeroShot(
  host: Host & DigestHost,
  source: ModelSource,
  options: ZeroShotOptions = {},
): Promise<ZeroShotClassifier> {
  const { textModel, cache: _, ...engineOptions } = options;
  const model = await loadedModel(host, source, engineOptions);
  const texts = await pairedTexts(host, model.card, { textModel, ...textOptions(options) });
  const engine = await Engine.open(host, model, engineOptions);
  try {
    const { width } = await pooledLayer(engine, model, engine.model.embeddingName, "none");
    requirePair(model.card.name, width, texts);
    return new ZeroShotClassifier(engine, texts);
  } catch (error) {
    await Promise.all([engine.dispose(), texts.dispose()]);
    throw error;
  }
}
