// A compiled model with a session: pictures go in, raw outputs come out. Classifier and Embedder share it.
import { type SaccadeError, SessionError, UsageError } from "../../errors.ts";
import type { DecodeOptions, Decoding, RawImage } from "../../image/raw-image.ts";
import { atResolution, type Resolution } from "../../image/resolution.ts";
import { parseTransform, pixelNormalization, printTransform, type Transform } from "../../image/transform.ts";
import { type PictureView, type PictureViews, pictureViews } from "../../image/view.ts";
import { type FeatureViews, JITTERS, VIEWS, type Views } from "../../image/views.ts";
import {
  type CompiledModel,
  type CompileOptions,
  compileModel,
  type PictureModel,
} from "../../model-folder/compile.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import { type LoadOptions, loadModel, type ModelFileSource } from "../../model-folder/load.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import type { Precision } from "../../onnx/lower.ts";
import type { ScoreKind } from "../../onnx/score-kind.ts";
import type { Host, KeepingHost } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import type { TensorData } from "../../tensor.ts";
import { EngineSessions, type ManySessionsOptions, type ModelFiles, type TrialBatch } from "./engine-sessions.ts";
import { type AnswerMemory, readUnknown, remembering } from "./known-answers.ts";
import { modelKeys } from "./model-key.ts";
import { isToldExtents, withExtents } from "./picture-extents.ts";
import { joinsViews, PictureSessions } from "./picture-sessions.ts";
import { type Answered, type BatchTask, type Reserve, streamAnswers } from "./picture-stream.ts";
import { type PictureSource, readPicture, requireManyPictures } from "./pictures.ts";

export interface EngineOptions extends ManySessionsOptions, Omit<LoadOptions, "seesPictures"> {
  /** Preprocessing in the transform language. Default: the model's own. */
  readonly transform?: string;
  /**
   * Pixels of the shorter side that the model sees, or "native" for whole pictures in their own size; the transform's sizes are changed to it.
   * For models that take any size, SparseFormers above all: what a large picture costs them hardly depends on its size. Default: the
   * transform's sizes.
   */
  readonly resolution?: Resolution;
  /**
   * What the model sees of a picture. Preprocessing shows the middle of a wide picture: "whole" and "crops" show all of it, and answers are the mean
   * of the views'. N views take N times the model's time. Default "center", the preprocessing's.
   */
  readonly views?: Views;
  /** Class names. Default: the model's own. */
  readonly labels?: readonly string[];
  /**
   * "int8" computes linear layers in eight bits: about twice as fast on processors with instructions for it, and not quite the same numbers.
   * Default "float32".
   */
  readonly precision?: Precision;
  /** What the model's scores are, where neither its file nor its graph says it, or says it wrongly. Default: what they say, else "logits". */
  readonly scores?: ScoreKind;
  /**
   * Whether what the engine makes of the model is kept in the cache folder (`SACCADE_CACHE`) and found there the next time, which then takes less. In
   * Node, on the CPU, for models of at most 32 MiB. Default true; `SACCADE_GRAPH_CACHE=0` turns it off for all.
   */
  readonly graphCache?: boolean;
}

export interface FeatureEngineOptions extends Omit<EngineOptions, "views">, Pick<CompileOptions, "layer"> {
  /** What features are the mean of. N views take N times the model's time. Default "center". */
  readonly views?: FeatureViews;
}

/** What `loadModel` takes, or what it gives. */
export type ModelSource = ModelFileSource | LoadedModel;

/** Loads what is not loaded yet. */
export async function loadedModel(host: Host, source: ModelSource, options: LoadOptions): Promise<LoadedModel> {
  return isLoaded(source) ? source : loadModel(host, source, options);
}

function isLoaded(source: ModelSource): source is LoadedModel {
  return typeof source === "object" && source !== null && "kind" in source && "card" in source;
}

/** How many pictures are run. */
export interface RunManyOptions extends DecodeOptions {
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_BATCH_SIZE = 8;
/** What this costs in accuracy is in docs/performance.md. */
export const DEFAULT_DECODING: Decoding = "fast";

/** The pictures of one call, and where its outputs go. */
export class Engine {
  readonly #host: Host;
  readonly #engineSessions: EngineSessions;
  /** undefined once they are opened: it holds on to the model. */
  #openSessions: (() => Promise<PictureSessions>) | undefined;
  #opening: Promise<PictureSessions> | undefined;
  #sessions: PictureSessions | undefined;
  /** Of a model with fewer tokens: opens the sessions that tell of them too; undefined once they are opened. */
  #openExplaining: (() => Promise<PictureSessions>) | undefined;
  #explaining: Promise<PictureSessions> | undefined;

  private constructor(
    host: Host,
    readonly model: PictureModel,
    engineSessions: EngineSessions,
    openSessions: () => Promise<PictureSessions>,
    openExplaining: (() => Promise<PictureSessions>) | undefined,
    readonly transform: Transform,
    readonly views: FeatureViews,
    readonly labels: readonly string[] | undefined,
  ) {
    this.#host = host;
    this.#engineSessions = engineSessions;
    this.#openSessions = openSessions;
    this.#openExplaining = openExplaining;
  }

  static async open(host: Host & Partial<KeepingHost>, source: ModelSource, options: EngineOptions): Promise<Engine> {
    requireViews(options.views, VIEWS);
    const noSession = host.expectSession?.();
    try {
      const engine = await Engine.prepare(host, source, options);
      await engine.start();
      return engine;
    } finally {
      noSession?.();
    }
  }

  /** An engine for features, of more kinds of views and of a layer alone, that opens its sessions when the first picture is to be run. */
  static async prepare(host: Host, source: ModelSource, options: FeatureEngineOptions): Promise<Engine> {
    const { layer, onNotice, precision, resolution, scores, views = "center" } = options;
    requireViews(views, [...VIEWS, ...JITTERS]);
    const loaded = await loadedModel(host, source, options);
    const compileOptions: CompileOptions = {
      ...(await kernelsFor(host, loaded, options)),
      ...(precision === undefined ? {} : { precision }),
      ...(scores === undefined ? {} : { scores }),
      ...(layer === undefined ? {} : { layer }),
      padded: isToldExtents(loaded, options.transform),
      // What a foreign file leaves open does not matter where the caller says it.
      ...(options.transform !== undefined || onNotice === undefined ? {} : { onNotice }),
    };
    const compiled = compileModel(loaded, compileOptions);
    const usual = parseTransform(options.transform ?? compiled.card.transform ?? compiled.usualTransform);
    if (loaded.kind === "onnx") requireOwnNormalization(compiled, usual);
    if (compiled.channels === 1)
      onNotice?.(`saccade: ${compiled.card.name} sees pictures in grey: of colours it gets the brightness`);
    const transform = resolution === undefined ? usual : atResolution(usual, resolution);
    const definition = loaded.kind === "native" ? loaded.definition : undefined;
    const engineSessions = new EngineSessions(host, options);
    const create = (model: ModelFiles, trial?: TrialBatch) => engineSessions.open(model, trial);
    const openSessions = async () => {
      const keyOf = options.graphCache === false ? undefined : await modelKeys(host, compiled);
      const sessions = await PictureSessions.open(compiled, definition, transform, create, keyOf);
      const refusal = sessions.refusal(compiled.card.name, resolution !== undefined);
      if (refusal === undefined) return sessions;
      await sessions.dispose();
      throw refusal;
    };
    // Few ask for it, and what it takes is not to make all others slower. Until somebody asks, the weights stay in memory.
    const openExplaining = () =>
      PictureSessions.open(compileModel(loaded, { ...compileOptions, explains: true }), definition, transform, create);
    const labels = options.labels ?? compiled.card.labels;
    const opens = [openSessions, compiled.reductions.length === 0 ? undefined : openExplaining] as const;
    return new Engine(host, factsOf(compiled), engineSessions, ...opens, transform, views, labels);
  }

  /** Opens the sessions. Throws what creating a session throws, UsageError for a model that does not take what the transform makes. */
  async start(): Promise<void> {
    await this.#start();
  }

  #start(): Promise<PictureSessions> {
    if (this.#sessions !== undefined) return Promise.resolve(this.#sessions);
    const open = this.#openSessions ?? (() => Promise.reject(new SessionError("the model has been disposed")));
    this.#opening ??= open().then((sessions) => {
      this.#openSessions = undefined;
      this.#sessions = sessions;
      return sessions;
    });
    return this.#opening;
  }

  get device(): ActualDevice {
    return this.#started.first.device;
  }

  get #started(): PictureSessions {
    if (this.#sessions === undefined) throw new TypeError("the engine has not been started");
    return this.#sessions;
  }

  /** Sessions, and threads inside each, of an engine that has been started. */
  get layout(): SessionLayout {
    return this.#engineSessions.layout!;
  }

  #startExplaining(): Promise<PictureSessions> {
    const open = this.#openExplaining ?? (() => Promise.reject(new SessionError("the model has been disposed")));
    this.#explaining ??= open().then((sessions) => {
      this.#openExplaining = undefined;
      return sessions;
    });
    return this.#explaining;
  }

  /**
   * Runs views of one size as one batch. Outputs keep their leading batch dimension.
   *
   * @param explains whether outputs are among them that tell of reductions of tokens
   */
  async run(
    views: readonly PictureView[],
    outputs: readonly string[],
    signal?: AbortSignal,
    explains = false,
  ): Promise<Record<string, TensorData>> {
    const sessions = await (explains ? this.#startExplaining() : this.#start());
    return sessions.run(this.model.inputName, views, outputs, signal);
  }

  /** How many pictures are answered, whose batches `run` answers. */
  task<A, S>(run: BatchTask<PictureViews, A, S>["run"], batchSize = DEFAULT_BATCH_SIZE): BatchTask<PictureViews, A, S> {
    const { transform, views } = this;
    const sessions = this.#engineSessions;
    const show = (picture: RawImage) => pictureViews(picture, transform, views);
    return {
      view: this.model.sizesName === undefined ? show : (picture) => withExtents(show(picture), transform, views),
      decoding: { transform, views },
      bytesOf: (shown) => shown.reduce((sum, { pixels }) => sum + pixels.data.byteLength, 0),
      batchSize,
      joins(batch, next) {
        const before = batch.flat();
        return before.length + next.length <= batchSize && joinsViews(before, next[0], next.length);
      },
      run,
      get lanes() {
        return 2 * (sessions.layout?.sessions ?? 1);
      },
    };
  }

  /**
   * Answers in the order of the pictures; what cannot be read is among them as an error.
   *
   * @param memory what is known already, and learns what is not
   */
  answerAll<A>(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    run: (batch: readonly PictureViews[]) => Promise<readonly (A | SaccadeError)[]>,
    { batchSize, signal, ...decoding }: RunManyOptions,
    memory?: AnswerMemory<A>,
  ): AsyncGenerator<Answered<PictureSource, A>> {
    const options = { decode: DEFAULT_DECODING, ...decoding, transform: this.transform, views: this.views };
    const task = this.task<A, PictureSource>((batch) => run(batch.map(({ view }) => view)), batchSize);
    const sources = requireManyPictures(pictures);
    const stream = signal === undefined ? {} : { signal };
    if (memory === undefined) {
      const read = (source: PictureSource, reserve: Reserve) =>
        readPicture(this.#host, source, { ...options, reserve });
      return streamAnswers(sources, read, task, stream);
    }
    const read = (source: PictureSource, reserve: Reserve) =>
      readUnknown(this.#host, source, memory, { ...options, reserve });
    return streamAnswers(sources, read, remembering(task, memory), stream);
  }

  async dispose(): Promise<void> {
    this.#openSessions = undefined;
    this.#openExplaining = undefined;
    for (const opening of [this.#opening, this.#explaining]) {
      const sessions = await opening?.catch(() => undefined);
      await sessions?.dispose();
    }
  }
}

/** The facts alone: a compiled model holds on to its weights. */
function factsOf(model: PictureModel): PictureModel {
  const { card, inputName, logitsName, embeddingName, answers, scores, scoresSteps, unknownName, glimpses } = model;
  const { reductions, usualTransform, suppression, things, hasGate, sizesName } = model;
  return {
    ...{ card, inputName, logitsName, embeddingName, answers, scores, scoresSteps, unknownName, glimpses },
    ...{ reductions, usualTransform, suppression, things, hasGate, sizesName },
  };
}

function requireViews(views: FeatureViews | undefined, known: readonly FeatureViews[]): void {
  if (views !== undefined && !known.includes(views))
    throw new UsageError(`views are ${known.join(", ")}, got "${views}"`);
}

/** What a run gave for the views of its pictures, picture by picture. */
export function byPicture<T>(batch: readonly PictureViews[], ofViews: readonly T[]): T[][] {
  let at = 0;
  return batch.map(({ length }) => {
    at += length;
    return ofViews.slice(at - length, at);
  });
}

/** A file that takes pixels normalises them in one way; a transform that says another one would be ignored. */
function requireOwnNormalization({ takes, card }: CompiledModel, transform: Transform): void {
  const last = transform.at(-1);
  if (takes === "image" || (last?.op !== "normalize" && last?.op !== "value_range")) return;
  const own = card.transform === undefined ? undefined : pixelNormalization(parseTransform(card.transform));
  if (JSON.stringify(own) === JSON.stringify(pixelNormalization(transform))) return;
  throw new UsageError(
    `${card.name} takes pixels and normalises them itself, not as ${printTransform([last])} says`,
    "leave the transform's last step out",
  );
}

/** An output that must be there. */
export function requireOutput(outputs: Readonly<Record<string, TensorData>>, name: string): TensorData {
  const value = outputs[name];
  if (value === undefined) throw new SessionError(`the model gave no output "${name}"`);
  return value;
}
