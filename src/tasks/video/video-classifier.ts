// Classification of videos: clips to labels with probabilities, as one answer or along a timeline, and where the model looked.
import { AbortedError, SaccadeError, UsageError } from "../../errors.ts";
import { seenShare } from "../../image/seen-share.ts";
import { takesClips } from "../../model-folder/compile.ts";
import type { LoadedModel, ModelCard } from "../../model-folder/model.ts";
import type { Host, VideoHost } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import { type ClipPlan, checkPlan, describePlanCost } from "../../video/evaluation-plan.ts";
import type { OpenVideoOptions, Video, VideoSource } from "../../video/video.ts";
import { isAdaptive } from "../classify/adaptive-classifier.ts";
import { doubtOf, meanWith, requireTopK, topPredictions } from "../classify/class-scores.ts";
import { exitOptionsOf } from "../classify/exit-rule.ts";
import { loadedModel, type ModelSource } from "../engine/engine.ts";
import {
  type Answered,
  allAnswers,
  type BatchTask,
  oneOrMany,
  type Prepared,
  streamAnswers,
} from "../engine/picture-stream.ts";
import { requireManyPictures } from "../engine/pictures.ts";
import { ClipEngine } from "./clip-engine.ts";
import { type ClipScorer, type ClipScores, meanOrError, regrouped } from "./clip-scorer.ts";
import { bytesOfClips, cropsOnFrame } from "./clip-views.ts";
import { FrameScorer } from "./frame-scorer.ts";
import type { TimelineWindow, VideoResult, VideoViews } from "./results.ts";
import { StagedClips } from "./staged-clip-scorer.ts";
import { StagedFrames } from "./staged-frame-scorer.ts";
import { segmentsOf } from "./timeline.ts";
import type { ClassifyVideoOptions, VideoClassifierOptions } from "./video-options.ts";
import { type OpenVideo, type ReadPart, type VideoPart, wholeVideos, windowsOfVideos } from "./video-parts.ts";

/** A host that opens video files. */
export type VideoOpener = Pick<VideoHost, "openVideo">;

/** A path, a file: URL, the bytes of a file, or a video that is open, which stays open. */
export type ClassifiedVideo = VideoSource | Video;

const DEFAULT_TOP_K = 5;
/** Decoders of whole videos side by side: each has threads of its own. */
const MOST_DECODERS = 4;
/** Windows that wait for room in memory beside those that have it. */
const WAITING_WINDOWS = 2;
/** Parts that run together: the scorer makes batches of what is in them. */
const PARTS_PER_RUN = 8;

/**
 * A model that names what happens in a video: one that sees several frames at once, or one of pictures, whose answers for frames are averaged.
 *
 * @example
 * const classifier = await VideoClassifier.load("saccade/photographs");
 * const { predictions, views } = await classifier.classify("clip.mp4");
 * const { segments } = await classifier.classify("film.mp4", { every: 1 });
 * await classifier.dispose();
 */
export class VideoClassifier {
  readonly #scorer: ClipScorer;
  readonly #host: VideoOpener;

  constructor(host: VideoOpener, scorer: ClipScorer) {
    this.#host = host;
    this.#scorer = scorer;
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.#scorer.card;
  }

  /** Class names by index. */
  get labels(): readonly string[] | undefined {
    return this.#scorer.labels;
  }

  get device(): ActualDevice {
    return this.#scorer.device;
  }

  /** Sessions side by side, and threads inside each. */
  get layout(): SessionLayout {
    return this.#scorer.layout;
  }

  /** Whether the model can say where it looked. */
  get looks(): boolean {
    return this.#scorer.looks;
  }

  /** "clips": the model sees several frames at once. "frames": it is a model of pictures, and answers for frames are averaged. */
  get kind(): VideoViews["kind"] {
    return this.#scorer.kind;
  }

  /** How a video is looked at under these options. Throws UsageError for options that make no sense, and frames that the model does not take. */
  plan(options: ClassifyVideoOptions = {}): ClipPlan {
    const { usual, isFixed } = this.#scorer.frames;
    const { clip } = this.card;
    const plan = {
      clips: options.clips ?? clip?.clips ?? 1,
      frames: options.frames ?? clip?.frames ?? usual,
      crops: options.crops ?? 1,
      secondsBetweenFrames: options.secondsBetweenFrames ?? clip?.secondsBetweenFrames,
    };
    checkPlan(plan);
    if (isFixed && plan.frames !== usual)
      throw new UsageError(
        `${this.card.name} takes clips of ${usual} frames only, got ${plan.frames}`,
        "leave frames out",
      );
    if (options.every !== undefined && options.clips !== undefined)
      throw new UsageError("a timeline has one clip a window", "leave clips out, or every");
    return options.every === undefined ? plan : { ...plan, clips: 1 };
  }

  /** One video in, one result out; an array in, an array out. Throws on the first video that cannot be read. */
  classify(video: ClassifiedVideo, options?: ClassifyVideoOptions): Promise<VideoResult>;
  classify(videos: readonly ClassifiedVideo[], options?: ClassifyVideoOptions): Promise<VideoResult[]>;
  async classify(
    videos: ClassifiedVideo | readonly ClassifiedVideo[],
    options: ClassifyVideoOptions = {},
  ): Promise<VideoResult | VideoResult[]> {
    return oneOrMany(videos, (sources) => allAnswers(this.classifyAll(sources, options)));
  }

  /**
   * Any number of videos at the best rate that decoders and the model give: while clips run, the next ones are decoded. Memory stays bounded, however
   * many and long they are.
   *
   * @returns each video's result, or the error why it has none, in their order
   * @throws AbortedError when the signal fires, UsageError
   * @example
   * const classifier = await VideoClassifier.load("saccade/photographs");
   * for await (const { source, answer, error } of classifier.classifyAll(["a.mp4", "b.webm"], { every: 1 }))
   *   console.log(source, error === undefined ? answer.segments : error.message);
   */
  async *classifyAll<S extends ClassifiedVideo>(
    videos: Iterable<S> | AsyncIterable<S>,
    options: ClassifyVideoOptions = {},
  ): AsyncGenerator<Answered<S, VideoResult>> {
    const { topK = DEFAULT_TOP_K, every, signal } = options;
    requireTopK(topK);
    const plan = this.plan(options);
    const exit = exitOptionsOf(options);
    if (Object.keys(exit).length > 0 && this.#scorer.steps === undefined)
      throw new UsageError(
        `${this.card.name} does not run in steps here, so that nothing can stop it early`,
        "load a model that has steps with the option inSteps",
      );
    const sources = requireManyPictures(videos);
    const { transform } = this.#scorer;
    const open: OpenVideo<S> = (source) => this.#open(source, options);
    const parts =
      every === undefined
        ? wholeVideos(sources, open, { transform, plan, signal })
        : windowsOfVideos(sources, open, { transform, plan, signal, every });
    const read = (part: VideoPart<S>, reserve: (bytes: number) => Promise<void>) => part.read(reserve);
    const stream = {
      parallel: every === undefined ? MOST_DECODERS : WAITING_WINDOWS,
      ...(signal === undefined ? {} : { signal }),
    };
    let gathered = new Gathered(this.#scorer, plan, options, topK);
    for await (const { source: part, answer, error } of streamAnswers(parts, read, this.#task<S>(options), stream)) {
      gathered.add(part, error ?? answer);
      if (error === undefined) options.onProgress?.({ video: part.video, done: gathered.clips, clips: part.clips });
      if (!part.isLast) continue;
      const result = gathered.result();
      gathered = new Gathered(this.#scorer, plan, options, topK);
      yield result instanceof SaccadeError
        ? { source: part.source, error: result }
        : { source: part.source, answer: result };
    }
  }

  dispose(): Promise<void> {
    return this.#scorer.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #open(source: ClassifiedVideo, options: ClassifyVideoOptions): Promise<Video> {
    if (isVideo(source)) return lent(source);
    const { maxPixels, maxSeconds, maxFrameRate, maxFrames, stallMs, frameRate, signal } = options;
    if (signal?.aborted === true) throw new AbortedError("reading the video", signal.reason);
    const all = { maxPixels, maxSeconds, maxFrameRate, maxFrames, stallMs, frameRate, signal };
    const given = Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== undefined),
    ) as OpenVideoOptions;
    return this.#host.openVideo(source, given);
  }

  #task<S>(options: ClassifyVideoOptions): BatchTask<ReadPart, PartScores, VideoPart<S>, ReadPart> {
    const { explain, batchSize, signal } = options;
    const exit = exitOptionsOf(options);
    const scorer = this.#scorer;
    const looks = explain === undefined || explain === false ? "none" : explain === "last" ? "last" : "all";
    const run = async (batch: readonly Prepared<VideoPart<S>, ReadPart>[]) => {
      const clips = batch.map(({ view }) => view.clips);
      const rows = await scorer.score(clips.flat(), { looks, batchSize, exit, signal });
      return regrouped(
        rows,
        clips.map(({ length }) => length),
      ).map((ofPart, i) => {
        const scores = meanOrError(ofPart, scorer.unknownBelow);
        return scores instanceof SaccadeError ? scores : { part: batch[i]!.view, scores };
      });
    };
    return {
      view: (part) => part,
      bytesOf: ({ clips }) => bytesOfClips(clips),
      batchSize: PARTS_PER_RUN,
      joins: () => true,
      run,
      // A deadline is one batch's alone: another one beside it would take of its time.
      lanes: exit.budgetMs === undefined ? 2 * scorer.layout.sessions : 1,
    };
  }
}

interface PartScores {
  readonly part: ReadPart;
  readonly scores: ClipScores;
}

/** What is known of a video so far. */
class Gathered {
  readonly #scorer: ClipScorer;
  readonly #plan: ClipPlan;
  readonly #options: ClassifyVideoOptions;
  readonly #topK: number;
  /** Clips in crops that stopped after each step, and what all of them spent. */
  readonly #stopped: number[] = [];
  #spent = 0;
  readonly #windows: TimelineWindow[] = [];
  #sum: ClipScores | undefined;
  #first: PartScores["part"] | undefined;
  #failure: SaccadeError | undefined;
  #cutOff: SaccadeError | undefined;
  #gaze: NonNullable<ClipScores["gaze"]>[number][] = [];
  #counted = 0;

  constructor(scorer: ClipScorer, plan: ClipPlan, options: ClassifyVideoOptions, topK: number) {
    this.#scorer = scorer;
    this.#plan = plan;
    this.#options = options;
    this.#topK = topK;
  }

  /** Clips that are answered. */
  get clips(): number {
    return this.#options.every === undefined ? this.#counted * this.#plan.clips : this.#counted;
  }

  add(part: VideoPart<unknown>, answer: PartScores | SaccadeError): void {
    if (answer instanceof SaccadeError) {
      this.#failure ??= answer;
      return;
    }
    const { scores } = answer;
    this.#first ??= answer.part;
    this.#cutOff ??= answer.part.cutOff;
    this.#gaze.push(...(scores.gaze ?? []));
    for (const { steps, macs } of scores.efforts ?? []) {
      this.#stopped[steps - 1] = (this.#stopped[steps - 1] ?? 0) + 1;
      this.#spent += macs;
    }
    if (part.window !== undefined) this.#windows.push({ ...part.window, ...this.#named(scores) });
    this.#sum =
      this.#sum === undefined ? scores : withMean(this.#sum, this.#counted, scores, this.#scorer.unknownBelow);
    this.#counted++;
  }

  result(): VideoResult | SaccadeError {
    const [scores, first, failure] = [this.#sum, this.#first, this.#failure];
    if (scores === undefined || first === undefined) return failure ?? new UsageError("no videos were given");
    if (failure !== undefined && this.#options.every === undefined) return failure;
    const cutOff = failure ?? this.#cutOff;
    const { kind, transform } = this.#scorer;
    const { crops, frames } = this.#plan;
    const clips = this.clips;
    const macsInAll = this.#scorer.macs(frames);
    const effort = this.#effort(macsInAll);
    const macs = effort?.macs ?? macsInAll;
    const looked = kind === "clips" ? { clips, crops } : { ...(clips === 1 ? {} : { clips }), frames, crops };
    return {
      ...this.#named(scores),
      seen: seenShare(cropsOnFrame(transform, crops, first)),
      views: { kind, clips, frames, crops, macs, ...effort, cost: describePlanCost(macs, looked) },
      start: first.start,
      end: first.end,
      ...(this.#options.every === undefined ? {} : { windows: this.#windows, segments: segmentsOf(this.#windows) }),
      ...(this.#gaze.length === 0 ? {} : { gaze: this.#gaze }),
      ...(cutOff === undefined ? {} : { cutOff }),
    };
  }

  #effort(macsInAll: number | undefined) {
    const { steps } = this.#scorer;
    if (steps === undefined) return undefined;
    const stopped = steps.map((stage, i) => ({ name: stage.split(".", 1)[0]!, stopped: this.#stopped[i] ?? 0 }));
    const clips = stopped.reduce((sum, step) => sum + step.stopped, 0);
    return { macs: this.#spent / clips, steps: stopped, ...(macsInAll === undefined ? {} : { macsInAll }) };
  }

  #named(scores: ClipScores) {
    return {
      predictions: topPredictions(scores, this.#topK, this.#scorer.labels),
      ...(scores.strangeness === undefined ? {} : { unknown: scores.strangeness > 0 }),
    };
  }
}

/** The mean of what is known and one more, so that a long timeline keeps one row. */
function withMean(known: ClipScores, count: number, next: ClipScores, unknownBelow: number | undefined): ClipScores {
  const row = meanWith(known, count, next);
  const strangeness =
    unknownBelow !== undefined
      ? doubtOf(row, unknownBelow)
      : known.strangeness !== undefined && next.strangeness !== undefined
        ? (count * known.strangeness + next.strangeness) / (count + 1)
        : undefined;
  return { ...row, ...(strangeness === undefined ? {} : { strangeness }) };
}

function isVideo(source: ClassifiedVideo): source is Video {
  return (
    typeof source === "object" && source !== null && "timestamps" in source && "frames" in source && "facts" in source
  );
}

/** A caller's own video: it is not closed here. */
function lent(video: Video): Video {
  return {
    name: video.name,
    facts: video.facts,
    timestamps: (signal) => video.timestamps(signal),
    cutOff: async (signal) => video.cutOff?.(signal),
    read: (options) => video.read(options),
    frames: (indices, signal) => video.frames(indices, signal),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Loads a model for videos. Throws UsageError when it gives embeddings instead of class scores, or takes texts. */
export async function loadVideoClassifier(
  host: Host & VideoOpener,
  source: ModelSource,
  options: VideoClassifierOptions = {},
): Promise<VideoClassifier> {
  const model = await loadedModel(host, source, options);
  const scorer = await openScorer(host, model, options);
  return new VideoClassifier(host, scorer);
}

function openScorer(host: Host, model: LoadedModel, options: VideoClassifierOptions): Promise<ClipScorer> {
  if (options.inSteps === true) {
    if (isAdaptive(model))
      return takesClips(model) ? StagedClips.open(host, model, options) : StagedFrames.open(host, model, options);
    throw new UsageError(
      `${model.card.name} does not run in steps, so that nothing can stop it early`,
      "take a model that does (the bundled one, GFNet, Uni-AdaFocus, GFV), or leave out what stops it",
    );
  }
  return takesClips(model) ? ClipEngine.open(host, model, options) : FrameScorer.open(host, model, options);
}
