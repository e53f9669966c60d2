// What labels say of their classes before there is a picture: vectors of their texts, for models whose features are compared with texts'.
import { UsageError } from "../../errors.ts";
import { lastingName } from "../../model-folder/lasting-name.ts";
import type { DigestHost, EmbeddingsHost, Host } from "../../platform/host.ts";
import type { Embedder } from "../embed/embedder.ts";
import type { ModelSource } from "../engine/engine.ts";
import { labelVectors } from "../zero-shot/label-vectors.ts";
import { type PairedTextOptions, pairedTexts, requirePair } from "../zero-shot/paired-texts.ts";
import type { TextEmbedder } from "../zero-shot/text-embedder.ts";
import type { ExampleSet } from "./example-set.ts";

/** How classes begin with their labels' texts. */
export interface TextOptions {
  /** The text model whose vectors are compared with the pictures'. Default: the one that the model says belongs to it. */
  readonly model?: ModelSource;
  /** As how many pictures of its class a text counts. Default: chosen by leaving pictures out. */
  readonly weight?: number;
  /** Classes besides those of the pictures, which are known by their texts until there are pictures. */
  readonly labels?: readonly string[];
}

type TextHost = Host & DigestHost & Pick<EmbeddingsHost, "absolutePath">;

/** Where texts' vectors come from, as a folder keeps it. */
export interface TextSource {
  /** A name, or a path that is one from everywhere. */
  readonly model: string;
  /** Of what computes the vectors; those of two models are never mixed. */
  readonly digest: string;
}

/** Gives every class of a set its text. The text model is only run when there is a class that has none. */
export class ClassTexts {
  readonly #host: TextHost;
  readonly #embedder: Embedder;
  readonly #options: PairedTextOptions;
  #source: TextSource | undefined;
  #opened: TextEmbedder | undefined;

  /**
   * @param options which text model, and where it runs
   * @param source what texts were made with that are there already
   */
  constructor(host: TextHost, embedder: Embedder, options: PairedTextOptions, source?: TextSource) {
    this.#host = host;
    this.#embedder = embedder;
    this.#options = options;
    this.#source = source;
  }

  get source(): TextSource | undefined {
    return this.#source;
  }

  /** Loads the text model. Throws UsageError where there is none, or another one than before. */
  async open(): Promise<TextEmbedder> {
    if (this.#opened !== undefined) return this.#opened;
    const { textModel = this.#source?.model ?? this.#embedder.card.textModel, ...options } = this.#options;
    const texts = await pairedTexts(this.#host, this.#embedder.card, { textModel, ...options });
    requirePair(this.#embedder.card.name, this.#embedder.space.width, texts);
    if (this.#source !== undefined && texts.digest !== this.#source.digest)
      throw new UsageError(
        `${texts.card.name} is not the text model that the classes were learnt with`,
        "name that one: --text-model (the option text.model)",
      );
    this.#source ??= {
      model: await lastingName(this.#host, typeof textModel === "string" ? textModel : texts.card.name),
      digest: texts.digest,
    };
    this.#opened = texts;
    return texts;
  }

  /** @param more classes that there are no pictures of */
  async completed(set: ExampleSet, more: readonly string[] = [], signal?: AbortSignal): Promise<ExampleSet> {
    const labels = [...new Set([...set.labels, ...more])].sort();
    if (labels.every((label) => set.texts.has(label))) return set;
    await using texts = await this.open();
    this.#opened = undefined;
    // Words in names of folders are often joined by an underscore.
    const said = labels.map((label) => label.replaceAll("_", " "));
    const vectors = await labelVectors(texts, said, signal === undefined ? {} : { signal });
    return set.withTexts(new Map(labels.map((label, i) => [label, vectors[i]!])));
  }
}

/** Throws UsageError for what cannot go with texts. */
export function requireForTexts({ head, layer }: { readonly head?: string; readonly layer?: string }): void {
  if (head !== undefined && head !== "nearest-mean")
    throw new UsageError(
      `classes that begin with their texts are learnt by their means, and not by ${head}`,
      "leave the head out, or the texts",
    );
  if (layer !== undefined)
    throw new UsageError(
      `texts lie among what the model gives itself, and not in its layer "${layer}"`,
      "leave the layer out, or the texts",
    );
}
