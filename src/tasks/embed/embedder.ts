// Image embeddings: CLIP models give the vector that is compared with texts' and other images'; classifiers give their features before the
// last layer.
import { SaccadeError, SessionError, UsageError } from "../../errors.ts";
import type { DecodeOptions } from "../../image/raw-image.ts";
import { printTransform } from "../../image/transform.ts";
import type { PictureViews } from "../../image/view.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import {
  byPicture,
  Engine,
  type FeatureEngineOptions,
  loadedModel,
  type ModelSource,
  requireOutput,
} from "../engine/engine.ts";
import { type Answered, allAnswers, type BatchTask, oneOrMany, type Prepared } from "../engine/picture-stream.ts";
import { type PictureSource, requireManyPictures } from "../engine/pictures.ts";
import { type FeatureMemory, featureMemory } from "./feature-memory.ts";
import { type Finishing, finish, meanVector, type Projection, projectionDigest, requireProjection } from "./finish.ts";
import { pooledLayer } from "./layer-shape.ts";
import { modelDigest } from "./model-digest.ts";
import { POOLINGS, type Pooling, poolFeatures } from "./pooling.ts";
import { type EmbeddingSpace, identifySpace } from "./space.ts";

/** What is read of a model, and what becomes of it. All of it is stated in the embedder's space. */
export interface FeatureOptions {
  /**
   * Whose values are the features: a layer of a model of this library ("tokens", "cls", "stage.3", …; `saccade inspect MODEL` lists them), or any output or
   * inner value of an ONNX file. Default: the embedding of an embedding model, the features before a classifier's last layer.
   */
  readonly layer?: string;
  /** How one vector is made of tokens and maps. Default "mean". */
  readonly pooling?: Pooling;
  /** An affine map of the features, scaled to unit length before it. Default: none. */
  readonly projection?: Projection;
  /** The component-wise power transform: every number becomes the root of its size, with its sign. Default false. */
  readonly power?: boolean;
  /** Scale to unit length, so that a dot product is the cosine. Default true. */
  readonly normalize?: boolean;
}

export interface EmbedderOptions extends Omit<FeatureEngineOptions, "layer" | "labels" | "scores">, FeatureOptions {
  /**
   * Whether features are kept in the cache folder (`SACCADE_CACHE`), by the content of pictures' files, and found there the next time: a model of
   * which all answers are known is not even opened. Pixels that are handed over are not kept. Default false.
   */
  readonly cache?: boolean;
}

export interface EmbedOptions extends DecodeOptions {
  /** Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * A model that turns pictures into vectors.
 *
 * @example
 * const embedder = await Embedder.load("sparseformer_btsp_openai_clip_base");
 * const [a, b] = [await embedder.embed("a.jpg"), await embedder.embed("b.jpg")];
 * const cosine = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
 */
export class Embedder {
  readonly #engine: Engine;
  readonly #finishing: Finishing;
  readonly #memory: FeatureMemory;

  /**
   * @param space what the vectors are; kept beside them, it tells what they may be compared with
   * @param memory what is known of pictures already
   */
  constructor(
    engine: Engine,
    readonly space: EmbeddingSpace,
    projection: Projection | undefined,
    memory: FeatureMemory,
  ) {
    this.#engine = engine;
    this.#finishing = { projection, power: space.power, normalize: space.normalize };
    this.#memory = memory;
  }

  get card(): ModelCard {
    return this.#engine.model.card;
  }

  /** Of an embedder without a cache, or one that has embedded something: else nothing runs anywhere yet. */
  get device(): ActualDevice {
    return this.#engine.device;
  }

  /** Sessions side by side, and threads inside each, where `device` is known. */
  get layout(): SessionLayout {
    return this.#engine.layout;
  }

  embed(picture: PictureSource, options?: EmbedOptions): Promise<Float32Array>;
  embed(pictures: readonly PictureSource[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(
    pictures: PictureSource | readonly PictureSource[],
    options: EmbedOptions = {},
  ): Promise<Float32Array | Float32Array[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.embedAll(sources, options)));
  }

  /** Any number of pictures, each with its vector or the error why it has none, in their order; see `Classifier.classifyAll`. */
  embedAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: EmbedOptions = {},
  ): AsyncGenerator<Answered<PictureSource, Float32Array>> {
    const features = this.#featuresOf(pictures, options, "mean", meanVector);
    return mapAnswers(features, (vector) => finish(vector, this.#finishing));
  }

  /**
   * The same with a vector for each view of a picture, in the order of `views`, for those who combine what is said of the views rather than the
   * views' features. Each is projected and scaled for itself.
   */
  embedViews(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: EmbedOptions = {},
  ): AsyncGenerator<Answered<PictureSource, Float32Array[]>> {
    const features = this.#featuresOf(pictures, options, "views", concatenated);
    return mapAnswers(features, (values) =>
      split(values, this.#memory.width).map((vector) => finish(vector, this.#finishing)),
    );
  }

  /** The same for those who make up batches themselves. What is kept in the cache is neither looked up nor added to. */
  embedTask<S>({ batchSize, signal }: EmbedOptions = {}): BatchTask<PictureViews, Float32Array, S> {
    const run = async (batch: readonly Prepared<S, PictureViews>[]) => {
      const views = batch.map(({ view }) => view);
      const features = await this.#run(views, signal);
      return features.map((ofViews) => {
        const vector = this.#requireNumbers(meanVector(ofViews));
        return vector instanceof SaccadeError ? vector : finish(vector, this.#finishing);
      });
    };
    return this.#engine.task(run, batchSize);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** What the layer gives, before anything is done to it. */
  #featuresOf(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: EmbedOptions,
    kind: "mean" | "views",
    combine: (ofViews: readonly Float32Array[]) => Float32Array,
  ): AsyncGenerator<Answered<PictureSource, Float32Array>> {
    const run = async (batch: readonly PictureViews[]) => {
      const features = await this.#run(batch, options.signal);
      return features.map((ofViews) => this.#requireNumbers(combine(ofViews)));
    };
    const sources = requireManyPictures(pictures);
    const open = this.#memory.open;
    if (open === undefined) return this.#engine.answerAll(sources, run, options);
    const engine = this.#engine;
    return (async function* () {
      yield* engine.answerAll(sources, run, options, await open(kind, options));
    })();
  }

  async #run(batch: readonly PictureViews[], signal?: AbortSignal): Promise<Float32Array[][]> {
    const { layer, pooling } = this.space;
    const views = batch.flat();
    const outputs = await this.#engine.run(views, [layer], signal);
    return byPicture(batch, poolFeatures(requireOutput(outputs, layer), views.length, pooling, layer));
  }

  #requireNumbers(features: Float32Array): Float32Array | SaccadeError {
    if (features.every(Number.isFinite)) return features;
    return new SessionError(`the embedding of ${this.card.name} is not all finite numbers`, {
      hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
    });
  }
}

/**
 * @throws what loading a model throws; UsageError for a layer that the model has not, lists those that it has, and for a projection that does not fit
 */
export async function loadEmbedder(
  host: Host & DigestHost,
  source: ModelSource,
  options: EmbedderOptions = {},
): Promise<Embedder> {
  const { pooling = "mean", projection, cache = false } = options;
  if (!POOLINGS.includes(pooling)) throw new UsageError(`pooling is ${POOLINGS.join(", ")}, got "${pooling}"`);
  const model = await loadedModel(host, source, options);
  const engine = await Engine.prepare(host, model, options);
  try {
    if (!cache) await engine.start();
    const layer = engine.model.embeddingName;
    const pooled = await pooledLayer(engine, model, layer, pooling);
    if (projection !== undefined) requireProjection(projection, pooled.width);
    // What the model gives, whatever becomes of it.
    const raw = await identifySpace(host, {
      name: model.card.name,
      model: await modelDigest(host, model, layer),
      layer,
      pooling: pooled.pooling,
      transform: printTransform(engine.transform),
      views: engine.views,
      precision: options.precision ?? "float32",
      power: false,
      projection: null,
      normalize: false,
      width: pooled.width,
    });
    const space = await identifySpace(host, {
      ...raw,
      power: options.power ?? false,
      projection: projection === undefined ? null : await projectionDigest(host, projection),
      normalize: options.normalize ?? true,
      width: projection?.scale.length ?? pooled.width,
    });
    return new Embedder(engine, space, projection, featureMemory(host, raw, options));
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

async function* mapAnswers<S, A, B>(
  answers: AsyncGenerator<Answered<S, A>>,
  map: (answer: A) => B,
): AsyncGenerator<Answered<S, B>> {
  for await (const answered of answers)
    yield answered.error === undefined ? { source: answered.source, answer: map(answered.answer) } : answered;
}

function concatenated(vectors: readonly Float32Array[]): Float32Array {
  const width = vectors[0]!.length;
  const all = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    all.set(vector, i * width);
  });
  return all;
}

function split(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
}
