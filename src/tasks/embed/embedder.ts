// Image embeddings: CLIP models give the vector that is compared with texts' and other images'; classifiers give their features before the
// last layer.
import { type SaccadeError, SessionError, UsageError } from "../../errors.ts";
import type { DecodeOptions } from "../../image/raw-image.ts";
import { printTransform } from "../../image/transform.ts";
import type { PictureViews } from "../../image/view.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import {
  byPicture,
  Engine,
  type FeatureEngineOptions,
  loadedModel,
  type ModelSource,
  requireOutput,
} from "../engine/engine.ts";
import { type Answered, allAnswers } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";
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

export interface EmbedderOptions extends Omit<FeatureEngineOptions, "layer" | "labels" | "scores">, FeatureOptions {}

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

  /** @param space what the vectors are; kept beside them, it tells what they may be compared with */
  constructor(
    engine: Engine,
    readonly space: EmbeddingSpace,
    projection?: Projection,
  ) {
    this.#engine = engine;
    this.#finishing = { projection, power: space.power, normalize: space.normalize };
  }

  get card(): ModelCard {
    return this.#engine.model.card;
  }

  embed(picture: PictureSource, options?: EmbedOptions): Promise<Float32Array>;
  embed(pictures: readonly PictureSource[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(
    pictures: PictureSource | readonly PictureSource[],
    options: EmbedOptions = {},
  ): Promise<Float32Array | Float32Array[]> {
    const many = Array.isArray(pictures);
    const sources = (many ? pictures : [pictures]) as readonly PictureSource[];
    const vectors = await allAnswers(this.embedAll(sources, options));
    return many ? vectors : vectors[0]!;
  }

  /** Any number of pictures, each with its vector or the error why it has none, in their order; see `Classifier.classifyAll`. */
  embedAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: EmbedOptions = {},
  ): AsyncGenerator<Answered<PictureSource, Float32Array>> {
    return this.#engine.answerAll(
      pictures,
      async (batch) => {
        const features = await this.#featuresOf(batch, options.signal);
        return features.map((ofViews) => this.#finish(meanVector(ofViews)));
      },
      options,
    );
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** What the layer gives for each view of each picture. */
  async #featuresOf(batch: readonly PictureViews[], signal?: AbortSignal): Promise<Float32Array[][]> {
    const { layer, pooling } = this.space;
    const views = batch.flat();
    const outputs = await this.#engine.run(views, [layer], signal);
    return byPicture(batch, poolFeatures(requireOutput(outputs, layer), views.length, pooling, layer));
  }

  #finish(features: Float32Array): Float32Array | SaccadeError {
    if (features.every(Number.isFinite)) return finish(features, this.#finishing);
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
  const { pooling = "mean", projection } = options;
  if (!POOLINGS.includes(pooling)) throw new UsageError(`pooling is ${POOLINGS.join(", ")}, got "${pooling}"`);
  const model = await loadedModel(host, source, options);
  const engine = await Engine.openForFeatures(host, model, options);
  try {
    const layer = engine.model.embeddingName;
    const pooled = await pooledLayer(engine, model, layer, pooling);
    if (projection !== undefined) requireProjection(projection, pooled.width);
    const space = await identifySpace(host, {
      name: model.card.name,
      model: await modelDigest(host, model, layer),
      layer,
      pooling: pooled.pooling,
      transform: printTransform(engine.transform),
      views: engine.views,
      precision: options.precision ?? "float32",
      power: options.power ?? false,
      projection: projection === undefined ? null : await projectionDigest(host, projection),
      normalize: options.normalize ?? true,
      width: projection?.scale.length ?? pooled.width,
    });
    return new Embedder(engine, space, projection);
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}
