// Naming what is in moving pictures as they come. A full look is spent where the picture has changed; between looks the answer stands, or, with models
// that can, a cheap step confirms it. Nothing is queued: who brings frames faster than they are answered loses the older ones, and they are counted.
import { UsageError } from "../../errors.ts";
import type { Pixels } from "../../image/pixels.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { seenShare } from "../../image/seen-share.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { Host } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { Frame, LiveFrames } from "../../video/video.ts";
import { AdaptiveClassifier, looksInSteps } from "../classify/adaptive-classifier.ts";
import { probabilitiesOf, requireTopK, topPredictions } from "../classify/class-scores.ts";
import { loadClassifier } from "../classify/classifier.ts";
import { type ExitOptions, exitOptionsOf } from "../classify/exit-rule.ts";
import type { ClassScores, ScoreRow } from "../classify/results.ts";
import { type EngineOptions, loadedModel, type ModelSource } from "../engine/engine.ts";
import { openFollowing } from "./following-looker.ts";
import { FrameLine } from "./frame-line.ts";
import { type LookChoice, type LookOptions, LookRule } from "./look-rule.ts";
import { classifierLooker, type Looker } from "./looker.ts";
import { goesFrameByFrame, openOnline } from "./online-looker.ts";
import type { StreamAnswer, StreamCounts } from "./results.ts";
import { StreamTally } from "./stream-tally.ts";
import { thumbnailOf } from "./thumbnail.ts";

export interface FollowOptions extends LookOptions {
  /** How many predictions. Default 5. */
  readonly topK?: number;
  /** Also say where the model looked. */
  readonly explain?: boolean;
  /** Share of the answer so far that stays when the same scene is looked at again, 0 (none) to below 1. Default 0.3. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
}

/** What stops a look early is for models that run in steps of their own. */
export interface StreamOptions extends EngineOptions, FollowOptions, ExitOptions {
  /**
   * Where a picture has changed a little, take a step that starts from the last look's regions and tokens, and look fully only when it finds something
   * else. For SparseFormers. Default false: the answer stands until the picture has changed enough for a full look.
   */
  readonly steps?: boolean;
}

const DEFAULT_TOP_K = 5;
const DEFAULT_MEMORY = 0.3;

/** The answer as it stands. */
interface Standing {
  /** Smoothed probabilities. */
  readonly row: ScoreRow;
  readonly likeliest: number;
  readonly confidence: number;
  /** Of the last full look. */
  readonly scores: ClassScores;
}

/**
 * Names what is in moving pictures.
 *
 * @example
 * await using stream = await StreamClassifier.load("saccade/photographs");
 * for await (const { seconds, predictions, look } of stream.follow(await openLive({ kind: "camera" })))
 *   console.log(seconds, predictions[0]?.label, look);
 */
export class StreamClassifier {
  readonly #looker: Looker;
  readonly #options: FollowOptions;
  readonly #rule: LookRule;
  readonly #topK: number;
  readonly #memory: number;
  #standing: Standing | undefined;
  #scene = -1;
  readonly #tally = new StreamTally();
  readonly #line: FrameLine<StreamAnswer>;

  /** @throws UsageError for options that make no sense */
  constructor(looker: Looker, options: FollowOptions = {}) {
    const { topK = DEFAULT_TOP_K, memory = DEFAULT_MEMORY } = options;
    requireTopK(topK);
    if (!(memory >= 0 && memory < 1)) throw new UsageError(`memory must be 0 or more and less than 1, got ${memory}`);
    this.#looker = looker;
    this.#options = options;
    this.#rule = new LookRule(options);
    this.#topK = topK;
    this.#memory = memory;
    this.#line = new FrameLine((frame) => this.#answer(frame), options.signal);
  }

  get card(): ModelCard {
    return this.#looker.card;
  }

  get labels(): readonly string[] | undefined {
    return this.#looker.labels;
  }

  get device(): ActualDevice {
    return this.#looker.device;
  }

  /** Whether the model can say where it looked. */
  get looks(): boolean {
    return this.#looker.looks;
  }

  /** Whether frames may be answered by a step. */
  get takesSteps(): boolean {
    return this.#looker.step !== undefined;
  }

  /** Multiply-accumulates of a full look and of a step at the usual size, where steps are taken. */
  get macs(): Looker["macs"] {
    return this.#looker.macs;
  }

  get counts(): StreamCounts {
    return this.#tally.counts(this.#line.dropped);
  }

  /**
   * Answers frames until the source ends. The source is closed at the end, whatever ends it.
   *
   * @param source whose frames may be dropped (a camera), or is asked for one after another (a video)
   * @throws AbortedError when the signal fires, VideoError when the source fails
   */
  follow(source: LiveFrames): AsyncGenerator<StreamAnswer, void> {
    return this.#line.follow(source);
  }

  /**
   * Answers one frame, for those who have frames come to them. While a frame is worked on, the newest one waits and those before it are dropped.
   *
   * @param frame a frame with its time, or pixels, whose time is now
   * @returns undefined for a frame that was dropped
   */
  push(frame: Frame | Pixels): Promise<StreamAnswer | undefined> {
    return this.#line.push(frame);
  }

  /** What comes next has nothing to do with what was. */
  forget(): void {
    this.#standing = undefined;
    this.#rule.forget();
    this.#looker.forget?.();
  }

  /** Frees the engine's memory. */
  async dispose(): Promise<void> {
    this.#line.close();
    await this.#looker.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #answer({ image, index, seconds }: Frame): Promise<StreamAnswer> {
    const start = performance.now();
    const view = this.#looker.viewOf(image);
    const thumbnail = thumbnailOf(image, view);
    const chosen = this.#rule.choose(thumbnail, seconds, this.#standing?.confidence ?? 0, this.takesSteps);
    const { kind, reason, change } = await this.#look(image, chosen);
    const standing = this.#standing!;
    const { strangeness, gaze } = standing.scores;
    const unknown = this.#isUnknown(standing, strangeness);
    const latencyMs = performance.now() - start;
    this.#tally.add(kind, latencyMs);
    return {
      index,
      seconds,
      predictions: topPredictions(standing.row, this.#topK, this.labels),
      ...(unknown === undefined ? {} : { unknown }),
      seen: seenShare([view]),
      look: kind,
      reason,
      change,
      scene: this.#scene,
      ...(gaze === undefined ? {} : { gaze }),
      latencyMs,
    };
  }

  /** Spends on a frame what was chosen, and says what was spent. */
  async #look(image: RawImage, choice: LookChoice): Promise<LookChoice> {
    const { explain = false, signal } = this.#options;
    const options = { explain, ...(signal === undefined ? {} : { signal }) };
    if (choice.kind === "kept") return choice;
    if (choice.kind === "step") {
      const found = await this.#looker.step?.(image, options);
      if (found !== undefined && likeliestOf(probabilitiesOf(found)) === this.#standing?.likeliest) {
        this.#rule.looked("step");
        return choice;
      }
    }
    const scores = await this.#looker.full(image, options);
    this.#rule.looked("full");
    const isNew = choice.reason === "first" || choice.reason === "cut" || this.#standing === undefined;
    if (isNew) this.#scene += 1;
    this.#standing = standingOf(scores, isNew ? undefined : this.#standing, this.#memory);
    return choice.kind === "step" ? { ...choice, kind: "full", reason: "doubt" } : choice;
  }

  #isUnknown({ confidence }: Standing, strangeness: number | undefined): boolean | undefined {
    const { unknownBelow } = this.card;
    if (unknownBelow !== undefined) return confidence < unknownBelow;
    return strangeness === undefined ? undefined : strangeness > 0;
  }
}

function standingOf(scores: ClassScores, before: Standing | undefined, memory: number): Standing {
  const now = probabilitiesOf(scores);
  const mixed = Float32Array.from(now, (value, i) =>
    before === undefined ? value : memory * before.row.scores[i]! + (1 - memory) * value,
  );
  const isIndependent = scores.kind.startsWith("independent");
  const likeliest = likeliestOf(mixed);
  const row = { scores: mixed, kind: isIndependent ? "independent-probabilities" : "probabilities" } as const;
  return { row, likeliest, confidence: mixed[likeliest]!, scores };
}

function likeliestOf(values: Float32Array | Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * Loads a model for moving pictures.
 *
 * @throws UsageError for steps with a model that cannot take them, for an early stop with one that answers once, and for one that gives embeddings
 */
export async function loadStream(
  host: Host,
  source: ModelSource,
  options: StreamOptions = {},
): Promise<StreamClassifier> {
  const { steps = false, ...engine } = options;
  const exit = exitOptionsOf(options);
  const stopsEarly = Object.keys(exit).length > 0;
  const model = await loadedModel(host, source, engine);
  const isFrameByFrame = goesFrameByFrame(model);
  if (stopsEarly && (steps || isFrameByFrame))
    throw new UsageError(
      `${model.card.name} takes ${steps ? "steps that start from the last look" : "frames one by one"}: nothing stops these early`,
      `leave ${Object.keys(exit).join(", ")} out${steps ? ", or the steps" : ""}`,
    );
  if (steps) return new StreamClassifier(await openFollowing(host, model, engine), options);
  // Every frame counts for what such a model remembers.
  if (isFrameByFrame) return new StreamClassifier(await openOnline(host, model, engine), { ...options, always: true });
  const isInSteps = stopsEarly || looksInSteps(model);
  const open = isInSteps ? AdaptiveClassifier.open(host, model, engine) : loadClassifier(host, model, engine);
  return new StreamClassifier(classifierLooker(await open, exit), options);
}
