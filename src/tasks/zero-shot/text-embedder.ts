// Texts to vectors that pictures' vectors are compared with.
import { SessionError, UsageError } from "../../errors.ts";
import { compileText, type TextModel } from "../../model-folder/compile-text.ts";
import type { LoadOptions } from "../../model-folder/load.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";
import { targetOf } from "../../runtime/target.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { Tokenizer } from "../../text/tokenizer.ts";
import { unit } from "../embed/finish.ts";
import { modelDigest } from "../embed/model-digest.ts";
import { loadedModel, type ModelSource, requireOutput } from "../engine/engine.ts";
import { TextCache } from "./text-cache.ts";

export interface TextEmbedderOptions
  extends Omit<LoadOptions, "transform" | "seesPictures">,
    Pick<SessionOptions, "device" | "threads" | "onNotice" | "signal"> {
  /** Keep vectors in the cache folder, for the next time. Default true. */
  readonly cache?: boolean;
}

export interface EmbedTextOptions {
  /** Cut texts that are longer than the model reads. Default false: they are an error, because what is cut off would not count. */
  readonly truncate?: boolean;
  readonly signal?: AbortSignal;
}

/** Texts in one run. */
const BATCH = 32;

/**
 * A model that turns texts into vectors.
 *
 * @example
 * const texts = await TextEmbedder.load("clip_text_vit_b16");
 * const [cat, dog] = await texts.embed(["a photo of a cat", "a photo of a dog"]);
 */
export class TextEmbedder {
  /** 16 hexadecimal digits of what computes the vectors: equal exactly for models whose vectors may be compared. */
  readonly digest: string;
  readonly #host: Host;
  readonly #model: TextModel;
  readonly #tokenizer: Tokenizer;
  readonly #options: TextEmbedderOptions;
  readonly #cache: TextCache | undefined;
  readonly #known = new Map<string, Float32Array>();
  #session: Promise<Session> | undefined;

  constructor(host: Host, model: TextModel, digest: string, options: TextEmbedderOptions) {
    this.digest = digest;
    this.#host = host;
    this.#model = model;
    this.#options = options;
    this.#tokenizer = new Tokenizer(model.vocabulary);
    this.#cache = options.cache === false ? undefined : new TextCache(host, digest, model.width);
  }

  get card(): ModelCard {
    return this.#model.card;
  }

  /** Numbers in a vector. */
  get width(): number {
    return this.#model.width;
  }

  /** By what the model multiplies cosines to make logits of them. */
  async scale(): Promise<number> {
    if (this.#model.scale !== undefined) return this.#model.scale;
    const session = await this.#open();
    const { scale } = await session.run({ ids: this.#batch([this.#rowOf("a", {})]) }, { outputs: ["scale"] });
    return toFloat32(scale!)[0]!;
  }

  /**
   * Vectors of length 1, so that a dot product with a picture's is the cosine.
   *
   * @throws UsageError for an empty text, and for one that is longer than the model reads unless it is to be cut
   */
  embed(text: string, options?: EmbedTextOptions): Promise<Float32Array>;
  embed(texts: readonly string[], options?: EmbedTextOptions): Promise<Float32Array[]>;
  async embed(
    texts: string | readonly string[],
    options: EmbedTextOptions = {},
  ): Promise<Float32Array | Float32Array[]> {
    const list = typeof texts === "string" ? [texts] : texts;
    const rows = list.map((text) => this.#rowOf(text, options));
    const keys = rows.map((row) => this.#keyOf(row));
    const missing = new Map<string, readonly number[]>();
    for (const [i, key] of keys.entries()) if (!(await this.#recall(key))) missing.set(key, rows[i]!);
    const wanted = [...missing];
    for (let at = 0; at < wanted.length; at += BATCH) await this.#compute(wanted.slice(at, at + BATCH), options.signal);
    const vectors = keys.map((key) => this.#known.get(key)!.slice());
    return typeof texts === "string" ? vectors[0]! : vectors;
  }

  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session)?.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #rowOf(text: string, { truncate = false }: EmbedTextOptions): number[] {
    if (typeof text !== "string") throw new UsageError(`a text is wanted, got ${typeof text}`);
    if (text.trim() === "") throw new UsageError("a text is empty");
    return this.#tokenizer.context(text, this.#model.context, { truncate });
  }

  /** What the model sees of a text: everything up to its end. */
  #keyOf(row: readonly number[]): string {
    return row.slice(0, row.indexOf(this.#model.vocabulary.end) + 1).join(" ");
  }

  async #recall(key: string): Promise<boolean> {
    if (this.#known.has(key)) return true;
    const kept = await this.#cache?.get(key);
    if (kept !== undefined) this.#known.set(key, kept);
    return kept !== undefined;
  }

  async #compute(texts: readonly (readonly [string, readonly number[]])[], signal?: AbortSignal): Promise<void> {
    const session = await this.#open();
    const ids = this.#batch(texts.map(([, row]) => row));
    const outputs = await session.run({ ids }, { outputs: ["logits"], ...(signal === undefined ? {} : { signal }) });
    const rows = vectorsOf(requireOutput(outputs, "logits"));
    const computed = new Map(texts.map(([key], i) => [key, unit(rows[i]!)]));
    for (const [key, vector] of computed) {
      if (!vector.every(Number.isFinite))
        throw new SessionError(`the embedding of a text by ${this.card.name} is not all finite numbers`, {
          hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
        });
      this.#known.set(key, vector);
    }
    await this.#cache?.add(computed);
  }

  #batch(rows: readonly (readonly number[])[]): TensorData {
    return tensor("int64", [rows.length, this.#model.context], BigInt64Array.from(rows.flat(), BigInt));
  }

  /** Only when a text is there that nobody embedded before. */
  #open(): Promise<Session> {
    this.#session ??= this.#host.createSession(this.#model.bytes, this.#options);
    return this.#session;
  }
}

function vectorsOf(output: TensorData): Float32Array[] {
  const [rows, width] = output.shape as [number, number];
  const data = toFloat32(output);
  return Array.from({ length: rows }, (_, row) => data.slice(row * width, (row + 1) * width));
}

/**
 * Loads a text model: a registered name, a model folder with its vocabulary, a checkpoint with one beside it, or what `saccade export` made of one.
 *
 * @throws NotFoundError without a vocabulary; UsageError for a model of pictures
 */
export async function loadTextEmbedder(
  host: Host & DigestHost,
  source: ModelSource,
  options: TextEmbedderOptions = {},
): Promise<TextEmbedder> {
  const model = await loadedModel(host, source, options);
  const compiled = compileText(model, targetOf(options.device));
  return new TextEmbedder(host, compiled, await modelDigest(host, model, "logits"), options);
}
