// Image embeddings: CLIP models give the vector that is compared with texts' and other images'; classifiers give their features before the
// last layer.
import { SessionError } from "../../errors.ts";
import type { DecodeOptions } from "../../image/raw-image.ts";
import type { PictureViews } from "../../image/view.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { Host } from "../../platform/host.ts";
import { elementCount, toFloat32 } from "../../tensor.ts";
import { byPicture, Engine, type EngineOptions, type ModelSource, requireOutput } from "../engine/engine.ts";
import { type Answered, allAnswers } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";

export interface EmbedOptions extends DecodeOptions {
  /** Scale to unit length, so that a dot product is the cosine. Default true. */
  readonly normalize?: boolean;
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

  constructor(engine: Engine) {
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

  async #embedBatch(batch: readonly PictureViews[], { normalize, signal }: EmbedOptions) {
    const { model } = this.#engine;
    const views = batch.flat();
    const outputs = await this.#engine.run(views, [model.embeddingName], signal);
    const value = requireOutput(outputs, model.embeddingName); // (views, width)
    const width = elementCount(value.shape) / views.length;
    const data = toFloat32(value);
    const vectors = views.map((_, i) => data.slice(i * width, (i + 1) * width));
    return byPicture(batch, vectors).map((ofViews) => {
      const vector = mean(ofViews);
      if (!vector.every(Number.isFinite))
        return new SessionError(`the embedding of ${model.card.name} is not all finite numbers`, {
          hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
        });
      return normalize === false ? vector : unit(vector);
    });
  }
}

export async function loadEmbedder(host: Host, source: ModelSource, options: EngineOptions = {}): Promise<Embedder> {
  return new Embedder(await Engine.open(host, source, options));
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
