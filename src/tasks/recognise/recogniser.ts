// A recogniser learnt from a few pictures on the features of any model. It keeps what it learnt from, so that classes are added and forgotten, and
// each time it is exactly what learning anew from the same pictures would make.

import type { DecodedEmbeddings } from "../../embeddings/embedding-table.ts";
import { writeEmbeddings } from "../../embeddings/write-embeddings.ts";
import { SaccadeError, UsageError } from "../../errors.ts";
import { featureMatrix } from "../../learn/feature-matrix.ts";
import {
  type LearntParts,
  readLearntFolder,
  updateLearntFolder,
  writeLearntFolder,
} from "../../model-folder/learnt-folder.ts";
import type { LearntFacts, LoadedModel, ModelCard } from "../../model-folder/model.ts";
import { backboneModel } from "../../model-folder/native.ts";
import { type Interval, shareInterval } from "../../statistics.ts";
import { topPredictions } from "../classify/class-scores.ts";
import type { Prediction } from "../classify/results.ts";
import { type Embedder, loadEmbedder } from "../embed/embedder.ts";
import { type EmbeddingSpace, requireSameSpace } from "../embed/space.ts";
import { loadedModel, type ModelSource } from "../engine/engine.ts";
import { oneOrMany } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";
import { ExampleSet, type LearntExample } from "./example-set.ts";
import { fitRecogniser, type HeadOptions, type RecogniserFit } from "./fit-recogniser.ts";
import { answerRows, headWeights } from "./head-fit.ts";
import { ClassTexts, requireForTexts } from "./label-texts.ts";
import { type ExampleOptions, embedExamples, type LabelledPicture } from "./learn-pictures.ts";
import {
  askedFor,
  askedTexts,
  headOptions,
  optionsOf,
  type RecogniserHost,
  type RecogniserOptions,
  textModelOptions,
  textsAsked,
  textsOf,
} from "./recogniser-options.ts";

/** What a recogniser answers for a picture. */
export interface Recognition {
  /** Best first. */
  readonly predictions: readonly Prediction[];
  /** Whether the picture is none of the classes. Present where it was learnt with `unknown`. */
  readonly unknown?: boolean;
}

/** How well a recogniser does on pictures that it did not learn from. */
export interface Measured {
  readonly pictures: number;
  /** Share whose nearest class is the label, 0..1, with a 95 % interval. */
  readonly top1: number;
  readonly interval: Interval;
  /** Pictures that were answered "none of these"; present where it was learnt with `unknown`. */
  readonly takenForUnknown?: number;
}

/** Files of examples are as long as what was learnt from. */
const MOST_EXAMPLE_BYTES = 4 * 2 ** 30;

/**
 * Names what it was shown a few pictures of.
 *
 * @example
 * const recogniser = await Recogniser.learn("saccade/photographs", [
 *   { picture: "tea-1.jpg", label: "tea" }, { picture: "tea-2.jpg", label: "tea" },
 *   { picture: "mug-1.jpg", label: "mug" }, { picture: "mug-2.jpg", label: "mug" },
 * ]);
 * console.log((await recogniser.classify("photo.jpg")).predictions[0]);
 * await recogniser.save("my-model");
 */
export class Recogniser {
  readonly #host: RecogniserHost;
  readonly #backbone: LoadedModel;
  readonly #embedder: Embedder;
  readonly #options: HeadOptions;
  readonly #texts: ClassTexts | undefined;
  #examples: ExampleSet;
  #fit: RecogniserFit | undefined;
  /** Changes and fits one after another, so that none is lost to one that began before it. */
  #last: Promise<unknown> = Promise.resolve();
  /** The folder that it was read from or written to last, and what it had learnt then. */
  #saved: { readonly folder: string; readonly examples: string } | undefined;

  private constructor(parts: Parts, fit?: RecogniserFit) {
    this.#host = parts.host;
    this.#backbone = parts.backbone;
    this.#embedder = parts.embedder;
    this.#options = parts.options;
    this.#texts = parts.texts;
    this.#examples = parts.examples;
    this.#fit = fit;
  }

  /**
   * Learns classes from pictures of them.
   *
   * @param source whose features it learns on
   * @param pictures at least two of each of at least two classes; where these begin with texts, two in all
   * @throws UsageError for fewer; what loading the model throws; AbortedError
   */
  static async learn(
    host: RecogniserHost,
    source: ModelSource,
    pictures: Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>,
    options: RecogniserOptions = {},
  ): Promise<Recogniser> {
    const given = textsAsked(options);
    if (given !== undefined) requireForTexts(options);
    const { embedder, backbone } = await openBackbone(host, source, options);
    try {
      const texts = given && new ClassTexts(host, embedder, textModelOptions(given, options));
      await texts?.open();
      const seen = ExampleSet.of(embedder.space, await embedExamples(host, embedder, pictures, options));
      const examples = (await texts?.completed(seen, given?.labels, options.signal)) ?? seen;
      const head = headOptions(host, options);
      const parts = { host, backbone, embedder, options: head, examples, texts };
      return new Recogniser(parts, await fitRecogniser(examples, head));
    } catch (error) {
      await embedder.dispose();
      throw error;
    }
  }

  /**
   * Learns classes from pictures whose features are known already, with their labels: nothing goes through the model.
   *
   * @param source whose features they are
   * @param options `fit` is what `fitExamples` made of the same examples, perhaps in another thread
   * @throws UsageError for features of another width, fewer than two classes, or fewer than two pictures of one; what loading the model throws
   */
  static async fromExamples(
    host: RecogniserHost,
    source: ModelSource,
    examples: Iterable<LearntExample>,
    options: Omit<RecogniserOptions, "text"> & { readonly fit?: RecogniserFit } = {},
  ): Promise<Recogniser> {
    const { embedder, backbone } = await openBackbone(host, source, options);
    try {
      const set = ExampleSet.of(embedder.space, examples);
      const head = headOptions(host, options);
      const fit = options.fit ?? (await fitRecogniser(set, head));
      requireFitOf(fit, set);
      return new Recogniser({ host, backbone, embedder, options: head, examples: set, texts: undefined }, fit);
    } catch (error) {
      await embedder.dispose();
      throw error;
    }
  }

  /**
   * A recogniser that was saved, to go on with.
   *
   * @throws UsageError for a folder that is none; what reading it throws
   */
  static async load(host: RecogniserHost, folder: string, options: RecogniserOptions = {}): Promise<Recogniser> {
    const learnt = await readLearntFolder(host.files, folder);
    const table = await host.decodeEmbeddings({ path: learnt.examples, vectors: true, maxBytes: MOST_EXAMPLE_BYTES });
    const { layer, pooling } = learnt.head;
    const { embedder, backbone } = await openBackbone(host, learnt.backbone, {
      ...options,
      layer,
      pooling,
      ...(learnt.card.transform === undefined ? {} : { transform: learnt.card.transform }),
    });
    try {
      const examples = examplesOf(table, embedder.space, folder);
      const head = { ...optionsOf(learnt), ...headOptions(host, options) };
      const texts = textsOf(learnt, examples, { host, embedder, options, folder });
      const recogniser = new Recogniser({ host, backbone, embedder, options: head, examples, texts });
      recogniser.#saved = { folder, examples: learnt.examples };
      return recogniser;
    } catch (error) {
      await embedder.dispose();
      throw error;
    }
  }

  /** Class names, in the order of the classes. */
  get labels(): readonly string[] {
    return this.#examples.labels;
  }

  /** Which features it learnt on. */
  get space(): EmbeddingSpace {
    return this.#examples.space;
  }

  /** What it learnt from. */
  get examples(): ExampleSet {
    return this.#examples;
  }

  /** Which head it has, and how well it does on pictures that it has not seen. One that was loaded is fitted when somebody asks. */
  fit(): Promise<RecogniserFit> {
    return this.#inTurn(() => this.#fitted());
  }

  /** Learns more pictures, of classes that it knows or of new ones. Nothing changes when that fails. */
  async add(
    pictures: Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>,
    options: ExampleOptions = {},
  ): Promise<void> {
    const examples = await embedExamples(this.#host, this.#embedder, pictures, options);
    await this.#become((known) => known.with(examples), options);
  }

  /** Forgets a class and all pictures of it. Throws UsageError for one that it does not know, and where fewer than two would be left. */
  async forget(label: string): Promise<void> {
    await this.#become((known) => known.without(label));
  }

  /** Learns what another recogniser has learnt on the same features. Throws UsageError that says what differs where they are not the same. */
  async merge(other: Recogniser): Promise<void> {
    // Where classes begin with texts, one of the other's that has no picture is learnt too.
    await this.#become((known) => known.merged(other.examples, ["this recogniser", "the other one"]), {
      labels: other.labels,
    });
  }

  /** One picture in, one answer out; an array in, an array out. */
  classify(picture: PictureSource): Promise<Recognition>;
  classify(pictures: readonly PictureSource[]): Promise<Recognition[]>;
  async classify(pictures: PictureSource | readonly PictureSource[]): Promise<Recognition | Recognition[]> {
    return oneOrMany(pictures, async (sources) => this.answer(await this.#embedder.embed(sources)));
  }

  /** The same from features that its `space` describes. */
  async answer(vectors: readonly Float32Array[]): Promise<Recognition[]> {
    const { width } = this.space;
    const data = new Float32Array(vectors.length * width);
    vectors.forEach((vector, i) => {
      data.set(vector, i * width);
    });
    const { fit, labels } = await this.#inTurn(async () => ({ fit: await this.#fitted(), labels: this.labels }));
    const { logits, strangeness } = answerRows(fit, featureMatrix(vectors.length, width, data));
    return vectors.map((_, i): Recognition => {
      const scores = Float32Array.from(logits.subarray(i * labels.length, (i + 1) * labels.length));
      return {
        predictions: topPredictions({ scores, kind: "logits" }, labels.length, labels),
        ...(strangeness === undefined ? {} : { unknown: strangeness[i]! > 0 }),
      };
    });
  }

  /** How well it does on other pictures. Those of classes that it does not know are left out. */
  async measure(
    pictures: Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>,
    options: ExampleOptions = {},
  ): Promise<Measured> {
    const found = await embedExamples(this.#host, this.#embedder, pictures, options);
    const known = found.filter(({ label }) => this.labels.includes(label));
    const answers = await this.answer(known.map(({ vector }) => vector));
    const right = answers.filter(({ predictions }, i) => predictions[0]!.label === known[i]!.label).length;
    const strangers = answers.filter(({ unknown }) => unknown === true).length;
    const isAsked = answers.some(({ unknown }) => unknown !== undefined);
    return {
      pictures: known.length,
      top1: known.length === 0 ? 0 : right / known.length,
      interval: shareInterval(right, known.length),
      ...(isAsked ? { takenForUnknown: strangers } : {}),
    };
  }

  /**
   * Writes a model folder like any other, which can also be learnt on with. A folder that is a learnt model already is changed in one step: until then
   * it is what it was.
   *
   * @throws UsageError for anything else that is in the way; SaccadeError "changed" for a folder that somebody else has changed since it was loaded
   */
  save(folder: string): Promise<void> {
    return this.#inTurn(async () => {
      const { files } = this.#host;
      const parts = await this.#parts();
      const isThere = (await files.stat(folder)) !== undefined;
      const examples = isThere ? await this.#update(folder, parts) : await writeLearntFolder(this.#host, folder, parts);
      this.#saved = { folder, examples };
    });
  }

  dispose(): Promise<void> {
    return this.#embedder.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Runs after everything that was asked for before. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  #become(change: (known: ExampleSet) => ExampleSet, { labels, signal }: Becoming = {}): Promise<void> {
    return this.#inTurn(async () => {
      const changed = change(this.#examples);
      const examples = (await this.#texts?.completed(changed, labels, signal)) ?? changed;
      this.#fit = await fitRecogniser(examples, this.#options);
      this.#examples = examples;
    });
  }

  async #fitted(): Promise<RecogniserFit> {
    this.#fit ??= await fitRecogniser(this.#examples, this.#options);
    return this.#fit;
  }

  async #update(folder: string, parts: LearntParts): Promise<string> {
    const { files } = this.#host;
    await readLearntFolder(files, folder); // refuses what is something else before anything is written there
    await using _ = await files.lock(folder);
    const there = await readLearntFolder(files, folder);
    requireSameSpace(this.space, there.card.learnt.space as unknown as EmbeddingSpace, ["this recogniser", folder]);
    if (this.#saved?.folder === folder && this.#saved.examples !== there.examples)
      throw new SaccadeError("changed", `${folder} has learnt something else meanwhile`, {
        hint: "nothing was written: do it again, and it is added to what is there now",
      });
    return await updateLearntFolder(this.#host, folder, parts);
  }

  async #parts(): Promise<LearntParts> {
    const fit = await this.#fitted();
    const { described, measured } = fit;
    const { licence, provenance } = this.#backbone.card;
    const { top1, interval } = measured;
    const learnt: LearntFacts = {
      pictures: this.#examples.counts(),
      accuracy: { top1, low: interval.low, high: interval.high },
      asked: { ...askedFor(this.#options), ...askedTexts(this.#texts) },
      space: { ...this.space },
    };
    const card: ModelCard & { readonly learnt: LearntFacts } = {
      name: this.#backbone.card.name,
      labels: this.labels,
      transform: this.space.transform,
      ...(licence === undefined ? {} : { licence }),
      ...(provenance === undefined ? {} : { provenance }),
      learnt,
    };
    const examples = writeEmbeddings(this.#examples.toTable());
    return { backbone: this.#backbone, head: described, weights: headWeights(fit), card, examples };
  }
}

function requireFitOf({ described, unseen }: RecogniserFit, { space, labels, items }: ExampleSet): void {
  const { classes, width } = described;
  if (classes === labels.length && width === space.width && unseen.length === items.length * classes) return;
  throw new UsageError(
    `a head of ${classes} classes on ${width} features was not fitted to these ${items.length} examples of ${labels.length}`,
    "fit it to the same examples",
  );
}

interface Becoming {
  /** Classes that need no picture where there are texts. */
  readonly labels?: readonly string[];
  readonly signal?: AbortSignal;
}

interface Parts {
  readonly host: RecogniserHost;
  readonly backbone: LoadedModel;
  readonly embedder: Embedder;
  readonly options: HeadOptions;
  readonly examples: ExampleSet;
  readonly texts: ClassTexts | undefined;
}

/** A model whose features are taken as they are: what is done to them is part of the head. */
async function openBackbone(host: RecogniserHost, source: ModelSource, options: RecogniserOptions) {
  const { views = "center", precision = "float32" } = options;
  if (views !== "center" || precision !== "float32")
    throw new UsageError(
      "a recogniser learns on one view of a picture, in float32: that is what its folder and its ONNX file compute",
      "leave the views and the precision out",
    );
  const loaded = await loadedModel(host, source, options);
  // What another head was learnt on is learnt on again, and not that head.
  const backbone = loaded.kind === "native" ? backboneModel(loaded) : loaded;
  return { backbone, embedder: await loadEmbedder(host, backbone, { ...options, normalize: false }) };
}

function examplesOf(table: DecodedEmbeddings, space: EmbeddingSpace, folder: string): ExampleSet {
  const { vectors } = table;
  if (vectors === undefined) throw new UsageError(`the examples of ${folder} have no vectors`);
  requireSameSpace(space, table.space as unknown as EmbeddingSpace, [`the model in ${folder}`, "its examples"]);
  // The model keeps the name that it had when it was learnt on, wherever its copy lies now.
  const { name } = table.space;
  return ExampleSet.fromTable({ ...table, vectors }, typeof name === "string" ? { ...space, name } : space);
}
