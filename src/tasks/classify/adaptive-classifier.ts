// Classification that looks only as long as it must: a model in steps, an answer after each, and a rule that says when one is good enough.
import { UsageError } from "../../errors.ts";
import { type Pixels, rgbPixels } from "../../image/pixels.ts";
import type { DecodeOptions, PictureSize, RawImage } from "../../image/raw-image.ts";
import { atResolution } from "../../image/resolution.ts";
import { seenShare } from "../../image/seen-share.ts";
import {
  parseTransform,
  pixelNormalization,
  type Transform,
  type ViewToPicture,
  viewToPicture,
} from "../../image/transform.ts";
import { type PictureView, pictureView } from "../../image/view.ts";
import { type CompiledStages, exportStages, requirePictures } from "../../model-folder/compile.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import { requireNative } from "../../model-folder/load.ts";
import type { LoadedModel, ModelCard, NativeModel } from "../../model-folder/model.ts";
import { runsInSteps } from "../../models/graph.ts";
import { pictureInput, usualTransform } from "../../models/picture-input.ts";
import type { Host } from "../../platform/host.ts";
import { SequentialSession, type StepResult } from "../../runtime/sequential-session.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { StagedSession } from "../../runtime/staged-session.ts";
import type { TensorData } from "../../tensor.ts";
import { DEFAULT_DECODING, type EngineOptions, loadedModel, type ModelSource } from "../engine/engine.ts";
import { batchesOf, joinsViews, viewPixels, viewValues } from "../engine/picture-sessions.ts";
import {
  type Answered,
  allAnswers,
  type BatchTask,
  oneOrMany,
  type Reserve,
  streamAnswers,
} from "../engine/picture-stream.ts";
import { type PictureSource, readPicture, requireManyPictures } from "../engine/pictures.ts";
import { doubtOf, problemOf, requireTopK, topPredictions } from "./class-scores.ts";
import { type ExitOptions, exitRule, type StepCosts, type StopReason } from "./exit-rule.ts";
import type { ClassificationResult, ClassScores, Prediction } from "./results.ts";
import { StepTimes } from "./step-times.ts";
import { takeSteps } from "./take-steps.ts";

export interface AdaptiveOptions extends ExitOptions {
  /** Also say where tokens looked, up to where the model stopped. Models whose steps are looks say it anyway, as boxes. */
  readonly explain?: boolean;
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

export interface AdaptiveClassifyOptions extends DecodeOptions, AdaptiveOptions {
  /** How many predictions. Default 5. */
  readonly topK?: number;
}

/** x1, y1, x2, y2 in pixels of the picture. Where the model's view is padded, it may lie outside of it. */
export type Box = readonly [number, number, number, number];

/** One step that was taken. */
export interface AdaptiveStep {
  /** What kind of step: "glance", "focus". */
  readonly name: string;
  /** Where it looked; undefined when it did not look anywhere new. */
  readonly box: Box | undefined;
  /** The answer after it. */
  readonly prediction: Prediction;
  /** Probability of that answer. */
  readonly confidence: number;
  /** Multiply-accumulates of this and all steps before it. */
  readonly macs: number;
  /** Of a model that says so: by how much further steps were expected to lower the cross-entropy, discounted. */
  readonly value?: number;
}

export interface AdaptiveResult extends ClassificationResult {
  /** The steps that were taken, in order. */
  readonly steps: readonly AdaptiveStep[];
  /** Why there are no more: the answer was sure, little was expected of going on, the next step cost too much, or there is none. */
  readonly stopped: StopReason;
}

/** Everything an adaptive classifier says about one picture. */
export interface AdaptiveScores extends ClassScores {
  /** One score a class after each step that was taken. The last one is `scores`. */
  readonly stepLogits: readonly Float32Array[];
  /** Where each step looked, x1, y1, x2, y2 in 0..1 of the model's view. */
  readonly regions: readonly (Float32Array | undefined)[];
  readonly stopped: StopReason;
}

const DEFAULT_BATCH_SIZE = 8;
const DEFAULT_TOP_K = 5;
/** Batches under way: while one is computed, the next is prepared and the last one judged. */
const LANES = 2;
/** Runs before the first deadline, the first of which pays for warming up. */
const CALIBRATION_RUNS = 4;

/**
 * A model that names what is in a picture, and stops as soon as it is sure or the budget is spent.
 *
 * @example
 * const classifier = await AdaptiveClassifier.load("gfnet_resnet50_96.pth.tar");
 * const { predictions, steps, stopped } = await classifier.classify("photo.jpg", { threshold: 0.9, budgetMs: 50 });
 */
export class AdaptiveClassifier {
  readonly #host: Host;
  readonly #model: NativeModel;
  readonly #session: SequentialSession;
  readonly #times: StepTimes;
  readonly #glimpses: number;
  /** What makes a view of a picture. */
  readonly transform: Transform;
  /** Class names by index. */
  readonly labels: readonly string[] | undefined;
  /** Multiply-accumulates of each step for one picture. */
  readonly stepMacs: readonly number[];

  private constructor(
    host: Host,
    model: NativeModel,
    session: SequentialSession,
    { macs, glimpses }: Pick<CompiledStages, "macs" | "glimpses">,
    transform: Transform,
    options: EngineOptions,
  ) {
    this.#host = host;
    this.#model = model;
    this.#session = session;
    this.stepMacs = macs;
    this.#glimpses = glimpses;
    this.transform = transform;
    this.#times = new StepTimes(session.steps.length);
    this.labels = options.labels ?? model.card.labels;
  }

  /** Loads the stages. Throws UsageError for a model that has none, FormatError for one of clips. */
  static async open(host: Host, model: LoadedModel, options: EngineOptions = {}): Promise<AdaptiveClassifier> {
    const native = requireNative(model);
    requirePictures(native);
    const { size } = pictureInput(native.definition);
    if (options.resolution !== undefined && size !== "free")
      throw new UsageError(`${native.card.name} takes pictures of its own size only`, "leave the resolution out");
    if ((options.scores ?? "logits") !== "logits")
      throw new UsageError(`${native.card.name} runs in steps, and its scores are logits`, "leave the scores out");
    if ((options.views ?? "center") !== "center")
      throw new UsageError(
        `${native.card.name} runs in steps here, which answer for one view`,
        "leave the views out, or what stops it early",
      );
    const usual = parseTransform(options.transform ?? native.card.transform ?? usualTransform(native.definition));
    const transform = options.resolution === undefined ? usual : atResolution(usual, options.resolution);
    const pixels = pixelNormalization(transform);
    const stages = exportStages(native, {
      ...(await kernelsFor(host, native, options)),
      ...(options.precision === undefined ? {} : { precision: options.precision }),
      ...(pixels === undefined ? {} : { form: { pixels } }),
    });
    const opened: StagedSession = await host.createStagedSession(stages.files, options);
    try {
      const session = new SequentialSession(stages.steps, opened);
      return new AdaptiveClassifier(host, native, session, stages, transform, options);
    } catch (error) {
      await opened.dispose();
      throw error;
    }
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.#model.card;
  }

  get device(): ActualDevice {
    return this.#session.device;
  }

  /** The stage of each step: "glance", "focus", "focus". */
  get steps(): readonly string[] {
    return this.#session.steps;
  }

  /** Whether it can say where its tokens looked. A model whose steps are looks answers with a box for each instead. */
  get looks(): boolean {
    return this.#glimpses > 0;
  }

  /** Where its view lies on a picture of this size. */
  viewsOf({ width, height }: PictureSize): ViewToPicture[] {
    return [viewToPicture(this.transform, width, height)];
  }

  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  classify(picture: PictureSource, options?: AdaptiveClassifyOptions): Promise<AdaptiveResult>;
  classify(pictures: readonly PictureSource[], options?: AdaptiveClassifyOptions): Promise<AdaptiveResult[]>;
  async classify(
    pictures: PictureSource | readonly PictureSource[],
    options: AdaptiveClassifyOptions = {},
  ): Promise<AdaptiveResult | AdaptiveResult[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.classifyAll(sources, options)));
  }

  /**
   * Any number of pictures: the next ones are read and decoded while batches run. Memory stays bounded, however many and large they are.
   *
   * @returns each picture's result, or the error why it has none, in their order
   * @throws AbortedError when the signal fires, UsageError
   */
  classifyAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: AdaptiveClassifyOptions = {},
  ): AsyncGenerator<Answered<PictureSource, AdaptiveResult>> {
    const { signal } = options;
    const task = this.classifyTask<PictureSource>(options);
    const decoding = { decode: DEFAULT_DECODING, ...options, transform: this.transform };
    const read = (source: PictureSource, reserve: Reserve) => readPicture(this.#host, source, { ...decoding, reserve });
    return streamAnswers(requireManyPictures(pictures), read, task, signal === undefined ? {} : { signal });
  }

  /** The same for those who make up batches themselves. What stops early holds for a batch as a whole. */
  classifyTask<S>(options: AdaptiveClassifyOptions = {}): BatchTask<PictureView, AdaptiveResult, S> {
    const { topK = DEFAULT_TOP_K, batchSize = DEFAULT_BATCH_SIZE } = options;
    requireTopK(topK);
    return {
      view: (picture) => pictureView(picture, this.transform),
      decoding: { transform: this.transform },
      bytesOf: ({ pixels }) => pixels.data.byteLength,
      batchSize,
      joins: (batch, next) => joinsViews(batch, next),
      run: async (batch) => {
        const scored = await this.scoreViews(
          batch.map(({ view }) => view),
          options,
        );
        return scored.map((scores, i) => this.#result(scores, batch[i]!.view, topK));
      },
      lanes: lanesOf(options),
    };
  }

  /**
   * What the model says about every class after every step, for pictures that are decoded already.
   *
   * @returns one item a picture, in their order
   */
  async scores(pictures: readonly Pixels[], options: AdaptiveOptions = {}): Promise<AdaptiveScores[]> {
    const views = requireManyPictures(pictures).map((picture) => pictureView(rgbPixels(picture), this.transform));
    return this.scoreViews(views, options);
  }

  /** The same for what the model sees of pictures: views that `transform` made. */
  async scoreViews(views: readonly PictureView[], options: AdaptiveOptions = {}): Promise<AdaptiveScores[]> {
    if (options.budgetMs !== undefined && !this.#times.isComplete) await this.#calibrate();
    const batches = batchesOf(views, options.batchSize ?? DEFAULT_BATCH_SIZE);
    const results: AdaptiveScores[][] = [];
    let next = 0;
    const lane = async () => {
      while (next < batches.length) {
        const at = next++;
        results[at] = await this.#scoreBatch(batches[at]!, options);
      }
    };
    const lanes = Array.from({ length: lanesOf(options) }, lane);
    await Promise.all(lanes).finally(() => {
      next = batches.length; // after a failure the other lane stops too
    });
    return results.flat();
  }

  /** Frees the engine's memory. */
  dispose(): Promise<void> {
    return this.#session.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #scoreBatch(batch: readonly PictureView[], options: AdaptiveOptions): Promise<AdaptiveScores[]> {
    const glimpses = options.explain === true ? this.#glimpses : 0;
    const taken = await takeSteps(this.#session, this.#images(batch), {
      rule: exitRule(options, this.#costs()),
      times: this.#times,
      glimpses,
      signal: options.signal,
    });
    return batch.map(({ width, height }, i) => {
      const { logits, values, regions, gaze: stages, stopped } = taken[i]!;
      const scores = logits.at(-1)!;
      this.#requireLabels(scores.length);
      const problem = problemOf({ scores, kind: "logits" }, this.card.name);
      if (problem !== undefined) throw problem;
      const view = { viewToPicture: viewToPicture(this.transform, width, height) };
      const gaze = glimpses === 0 ? {} : { gaze: { stages, ...view } };
      const { unknownBelow } = this.card;
      return {
        ...(unknownBelow === undefined ? {} : { strangeness: doubtOf({ scores, kind: "logits" }, unknownBelow) }),
        scores,
        kind: "logits" as const,
        stepLogits: logits,
        ...(values.length === 0 ? {} : { stepValues: values }),
        regions,
        stopped,
        ...gaze,
      };
    });
  }

  /** Views of one size as the first stage takes them, in memory of their own. */
  #images(batch: readonly PictureView[]): TensorData {
    return this.#session.images?.dtype === "uint8" ? viewPixels(batch) : viewValues(batch, this.transform);
  }

  #costs(): StepCosts {
    const { card, definition } = this.#model;
    const { architecture, config } = definition;
    const stored = card.earlyExit?.points ?? architecture.stages?.solvedThresholds?.(config) ?? [];
    // A changed configuration (another T) has other steps than those that thresholds were solved for.
    const solved = stored.filter(({ thresholds }) => thresholds.length === this.stepMacs.length);
    const valuesSteps = architecture.stages?.valuesSteps === true;
    return { macs: this.stepMacs, times: this.#times, solved, valuesSteps };
  }

  #requireLabels(classes: number): void {
    if (this.labels !== undefined && this.labels.length !== classes)
      throw new UsageError(`${this.card.name} scores ${classes} classes, but there are ${this.labels.length} labels`);
  }

  /** Measures every step on an empty picture, so that the first deadline is kept too. */
  async #calibrate(): Promise<void> {
    const { usual } = pictureInput(this.#model.definition);
    const { width, height } = usual;
    const empty: RawImage = { width, height, data: new Uint8Array(3 * width * height) };
    for (let run = 0; run < CALIBRATION_RUNS; run++) {
      const measure = ({ step, milliseconds }: StepResult) => {
        if (run > 0) this.#times.add(step, 1, milliseconds);
        return [0];
      };
      await this.#session.run(this.#images([pictureView(empty, this.transform)]), measure, {
        outputs: ["logits"],
        transferInputs: true,
      });
    }
  }

  #result(scores: AdaptiveScores, picture: PictureSize, topK: number): AdaptiveResult {
    const map = viewToPicture(this.transform, picture.width, picture.height);
    let macs = 0;
    const steps = scores.stepLogits.map((logits, step): AdaptiveStep => {
      macs += this.stepMacs[step]!;
      const [prediction] = topPredictions({ scores: logits, kind: "logits" }, 1, this.labels) as [Prediction];
      const region = scores.regions[step];
      const box = region === undefined ? undefined : boxInPicture(region, map, picture);
      const [name = ""] = this.steps[step]!.split(".", 1); // one name for all stages of a kind
      const value = scores.stepValues?.[step];
      const expected = value === undefined ? {} : { value };
      return { name, box, prediction, confidence: prediction.score, macs, ...expected };
    });
    const { stopped, gaze, strangeness } = scores;
    return {
      predictions: topPredictions(scores, topK, this.labels),
      seen: seenShare([map]),
      steps,
      stopped,
      ...(strangeness === undefined ? {} : { unknown: strangeness > 0 }),
      ...(gaze === undefined ? {} : { gaze }),
    };
  }
}

/** A deadline is one batch's alone: another one beside it would take of its time. */
const lanesOf = ({ budgetMs }: ExitOptions) => (budgetMs === undefined ? LANES : 1);

function boxInPicture(
  [x1, y1, x2, y2]: ArrayLike<number> & Iterable<number>,
  { scaleX, scaleY, offsetX, offsetY }: ViewToPicture,
  { width, height }: PictureSize,
): Box {
  const x = (part: number) => (part * scaleX + offsetX) * width;
  const y = (part: number) => (part * scaleY + offsetY) * height;
  return [x(x1!), y(y1!), x(x2!), y(y2!)];
}

/** Loads a model that runs in steps. Throws UsageError for one that does not. */
export async function loadAdaptiveClassifier(
  host: Host,
  source: ModelSource,
  options: EngineOptions = {},
): Promise<AdaptiveClassifier> {
  return AdaptiveClassifier.open(host, await loadedModel(host, source, options), options);
}

/** Whether a model can stop between steps. */
export function isAdaptive(model: LoadedModel): model is NativeModel {
  return model.kind === "native" && runsInSteps(model.definition);
}

/** Whether its steps are looks at parts of the picture, so that it is run in steps even when nobody asks for an early stop. */
export function looksInSteps(model: LoadedModel): boolean {
  return isAdaptive(model) && model.definition.architecture.stages!.looksInSteps;
}
