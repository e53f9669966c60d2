// Where things are, and which pixels are what, in moving pictures as they come. Things move without much of a picture changing, so every frame is looked at unless
// somebody says how little a change may be for the answer to stand.
import type { Pixels } from "../../image/pixels.ts";
import type { DecodeOptions, PictureSize, RawImage } from "../../image/raw-image.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { Host } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { Frame, LiveFrames } from "../../video/video.ts";
import { type DetectOptions, type DetectorOptions, loadDetector } from "../detect/detector.ts";
import type { DetectionResult } from "../detect/results.ts";
import type { DenseTask } from "../engine/dense-task.ts";
import type { ModelSource } from "../engine/engine.ts";
import type { SegmentationResult } from "../segment/results.ts";
import { loadSegmenter, type SegmenterOptions, type SegmentOptions } from "../segment/segmenter.ts";
import { FrameLine } from "./frame-line.ts";
import { type LookChoice, type LookReason, LookRule } from "./look-rule.ts";
import type { StreamCounts } from "./results.ts";
import { StreamTally } from "./stream-tally.ts";
import { thumbnailOf } from "./thumbnail.ts";

export interface DenseStreamOptions {
  /**
   * How much the picture must differ from what was last looked at for another look, 0..1: the mean difference of 16 x 16 coarse pixels. A camera that sees nothing move then
   * costs nothing; what moves and is small may go unnoticed until `everyMs` has passed. Default: every frame is looked at.
   */
  readonly changed?: number;
  /** With `changed`: a look after so many milliseconds at the latest. Default 5000. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/** What following a moving picture answers for a frame. */
export interface DenseStreamAnswer<R> {
  /** Of the frame: its number and time, as the source says them. */
  readonly index: number;
  readonly seconds: number;
  /** Boxes and masks are in pixels of the frame. */
  readonly result: R;
  /** Whether the frame was looked at, or the answer is the one before, and why. */
  readonly look: "full" | "kept";
  readonly reason: LookReason;
  /** How much the picture differs from the one that was last looked at, 0..1. */
  readonly change: number;
  /** From taking the frame to the answer. */
  readonly latencyMs: number;
}

/** What is said of single frames. */
type FrameTask<R> = (frame: RawImage) => Promise<R>;

/**
 * A detector or a segmenter that follows moving pictures.
 *
 * @example
 * await using stream = await DetectionStream.load("runs/scenes/best", { threshold: 0.5 });
 * for await (const { seconds, result } of stream.follow(await openLive({ kind: "camera" })))
 *   console.log(seconds, result.detections.map(({ label }) => label));
 */
export class DenseStream<R> {
  readonly #task: DenseTask;
  readonly #look: FrameTask<R>;
  readonly #rule: LookRule;
  readonly #line: FrameLine<DenseStreamAnswer<R>>;
  readonly #tally = new StreamTally();
  #standing: R | undefined;
  /** Of the frame before, pixels. */
  #size: PictureSize | undefined;

  /**
   * @param task belongs to the stream from now on
   * @param look what it says of one frame
   * @throws UsageError for options that make no sense
   */
  constructor(task: DenseTask, look: FrameTask<R>, { changed, everyMs, signal }: DenseStreamOptions = {}) {
    this.#task = task;
    this.#look = look;
    this.#rule = new LookRule({
      ...(changed === undefined ? { always: true } : { changed }),
      ...(everyMs === undefined ? {} : { everyMs }),
    });
    this.#line = new FrameLine((frame) => this.#answer(frame), signal);
  }

  get card(): ModelCard {
    return this.#task.card;
  }

  get labels(): readonly string[] | undefined {
    return this.#task.labels;
  }

  get device(): ActualDevice {
    return this.#task.device;
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
  follow(source: LiveFrames): AsyncGenerator<DenseStreamAnswer<R>, void> {
    return this.#line.follow(source);
  }

  /**
   * Answers one frame, for those who have frames come to them. While a frame is worked on, the newest one waits and those before it are dropped.
   *
   * @param frame a frame with its time, or pixels, whose time is now
   * @returns undefined for a frame that was dropped
   */
  push(frame: Frame | Pixels): Promise<DenseStreamAnswer<R> | undefined> {
    return this.#line.push(frame);
  }

  /** What comes next has nothing to do with what was. */
  forget(): void {
    this.#standing = undefined;
    this.#rule.forget();
  }

  /** Frees the engine's memory. */
  async dispose(): Promise<void> {
    this.#line.close();
    await this.#task.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #answer({ image, index, seconds }: Frame): Promise<DenseStreamAnswer<R>> {
    const start = performance.now();
    // Places are in pixels: those of a frame of another size are others, however alike the two look.
    if (this.#size?.width !== image.width || this.#size.height !== image.height) this.forget();
    this.#size = { width: image.width, height: image.height };
    const { kind, reason, change }: LookChoice = this.#rule.choose(thumbnailOf(image, WHOLE), seconds, SURE);
    const stands = kind === "kept" ? this.#standing : undefined;
    if (stands === undefined) {
      this.#standing = await this.#look(image);
      this.#rule.looked("full");
    }
    const look = stands === undefined ? "full" : "kept";
    const latencyMs = performance.now() - start;
    this.#tally.add(look, latencyMs);
    return { index, seconds, result: this.#standing!, look, reason, change, latencyMs };
  }
}

/** Nothing of a frame may change unnoticed. */
const WHOLE = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
/** What is said of places has no one confidence: the threshold is what it is. */
const SURE = 0.5;

/** Which answers, besides what a frame is: batches and files are for pictures. */
type OfFrames<O> = Omit<O, keyof DecodeOptions | "batchSize" | "signal">;

export type DetectionStreamOptions = DetectorOptions & OfFrames<DetectOptions> & DenseStreamOptions;
export type SegmentationStreamOptions = SegmenterOptions & OfFrames<SegmentOptions> & DenseStreamOptions;

/** Loads a model as a detector of moving pictures. Throws UsageError when it answers something else, or for options that make no sense. */
export async function loadDetectionStream(
  host: Host,
  source: ModelSource,
  options: DetectionStreamOptions = {},
): Promise<DenseStream<DetectionResult>> {
  const detector = await loadDetector(host, source, options);
  const check = () => detector.detectTask(options);
  return followedBy(detector, options, check, (frame) => detector.detect(frame, options));
}

/** The same as a segmenter. */
export async function loadSegmentationStream(
  host: Host,
  source: ModelSource,
  options: SegmentationStreamOptions = {},
): Promise<DenseStream<SegmentationResult>> {
  const segmenter = await loadSegmenter(host, source, options);
  const check = () => segmenter.segmentTask(options);
  return followedBy(segmenter, options, check, (frame) => segmenter.segment(frame, options));
}

/** @param check throws for what no frame could be asked: nobody has to open a camera to hear of it */
async function followedBy<R>(
  task: DenseTask,
  options: DenseStreamOptions,
  check: () => unknown,
  look: FrameTask<R>,
): Promise<DenseStream<R>> {
  try {
    check();
    return new DenseStream(task, look, options);
  } catch (error) {
    await task.dispose();
    throw error;
  }
}
