// Image embeddings: CLIP models give the vector that is compared with texts' and other images'; classifiers give their features before the
// last layer.
import { SessionError } from "../../errors.ts";
import type { DecodeOptions } from "../../image/raw-image.ts";
import { printTransform } from "../../image/transform.ts";
import type { PictureViews } from "../../image/view.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import { elementCount, toFloat32 } from "../../tensor.ts";
import {
  byPicture,
  Engine,
  type EngineOptions,
  loadedModel,
  type ModelSource,
  requireOutput,
} from "../engine/engine.ts";
import { type Answered, allAnswers } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";
import { layerWidth } from "./layer-width.ts";
import { modelDigest } from "./model-digest.ts";
import { type EmbeddingSpace, identifySpace } from "./space.ts";

/** What becomes of a picture's features. All of it is stated in the embedder's space. */
export interface FeatureOptions {
  /** Scale to unit length, so that a dot product is the cosine. Default true. */
  readonly normalize?: boolean;
}

export interface EmbedderOptions extends EngineOptions, FeatureOptions {}

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

  /** @param space what the vectors are; kept beside them, it tells what they may be compared with */
  constructor(
    engine: Engine,
    readonly space: EmbeddingSpace,
  ) {
    this.#engine = engine;
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
    return this.#engine.answerAll(pictures, (batch) => this.#embedBatch(batch, options), options);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #embedBatch(batch: readonly PictureViews[], { signal }: EmbedOptions) {
    const { model } = this.#engine;
    const { layer, normalize } = this.space;
    const views = batch.flat();
    const outputs = await this.#engine.run(views, [layer], signal);
    const value = requireOutput(outputs, layer); // (views, width)
    const width = elementCount(value.shape) / views.length;
    const data = toFloat32(value);
    const vectors = views.map((_, i) => data.slice(i * width, (i + 1) * width));
    return byPicture(batch, vectors).map((ofViews) => {
      const vector = mean(ofViews);
      if (!vector.every(Number.isFinite))
        return new SessionError(`the embedding of ${model.card.name} is not all finite numbers`, {
          hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
        });
      return normalize ? unit(vector) : vector;
    });
  }
}

export async function loadEmbedder(
  host: Host & DigestHost,
  source: ModelSource,
  options: EmbedderOptions = {},
): Promise<Embedder> {
  const model = await loadedModel(host, source, options);
  const engine = await Engine.open(host, model, options);
  try {
    const layer = engine.model.embeddingName;
    const space = await identifySpace(host, {
      name: model.card.name,
      model: await modelDigest(host, model, layer),
      layer,
      pooling: "none",
      transform: printTransform(engine.transform),
      views: engine.views,
      precision: options.precision ?? "float32",
      power: false,
      projection: null,
      normalize: options.normalize ?? true,
      width: await layerWidth(engine, model, layer),
    });
    return new Embedder(engine, space);
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

function mean(vectors: readonly Float32Array[]): Float32Array {
  const [first] = vectors as readonly [Float32Array, ...Float32Array[]];
  if (vectors.length === 1) return first;
  return first.map((_, i) => vectors.reduce((sum, vector) => sum + vector[i]!, 0) / vectors.length);
}
