// Detection: pictures to things with boxes.
import { UsageError } from "../../errors.ts";
import type { DecodeOptions } from "../../image/raw-image.ts";
import { seenShare } from "../../image/seen-share.ts";
import type { PictureViews } from "../../image/view.ts";
import type { Host } from "../../platform/host.ts";
import { DenseTask } from "../engine/dense-task.ts";
import { type DenseOptions, openDense } from "../engine/dense-views.ts";
import { byPicture, type ModelSource, requireOutput } from "../engine/engine.ts";
import { indexesOf } from "../engine/label-indexes.ts";
import { type Answered, allAnswers, type BatchTask, oneOrMany, type Prepared } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";
import { type Choice, chooseDetections, viewCandidates } from "./candidates.ts";
import type { DetectionResult } from "./results.ts";

/**
 * What detectors take. Where preprocessing crops, `views` are "whole" unless the caller says otherwise: things at the edge are things too. With several views
 * ("crops": more pixels for small things of a large picture) what two of them show is one thing.
 */
export type DetectorOptions = DenseOptions;

export interface DetectOptions extends DecodeOptions {
  /** The least score of an answer, 0..1. Default 0.3. */
  readonly threshold?: number;
  /** How many answers a picture has at most. Default 100. */
  readonly most?: number;
  /**
   * The overlap (IoU, 0..1) from which on two boxes of a class are taken for one thing, of which the surer is kept; "none" keeps both. Default: the model's own.
   */
  readonly suppression?: number | "none";
  /** Labels that are of interest. Default: all. */
  readonly only?: readonly string[];
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_THRESHOLD = 0.3;
const DEFAULT_MOST = 100;
/** A choice, and whether what several views show may be one thing. */
interface DetectChoice extends Choice {
  readonly mayJoinViews: boolean;
}

/** Of several views, where the model itself finds each thing once: what two views show overlaps nearly wholly. */
const ACROSS_VIEWS = 0.5;

/**
 * A model that finds things.
 *
 * @example
 * const detector = await Detector.load("runs/scenes/best");
 * const { detections } = await detector.detect("photo.jpg", { threshold: 0.5 });
 * for (const { label, score, box } of detections) console.log(label, score, box);
 * await detector.dispose();
 */
export class Detector extends DenseTask {
  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  detect(picture: PictureSource, options?: DetectOptions): Promise<DetectionResult>;
  detect(pictures: readonly PictureSource[], options?: DetectOptions): Promise<DetectionResult[]>;
  async detect(
    pictures: PictureSource | readonly PictureSource[],
    options: DetectOptions = {},
  ): Promise<DetectionResult | DetectionResult[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.detectAll(sources, options)));
  }

  /**
   * Any number of pictures, each with its result or the error why it has none, in their order; see `Classifier.classifyAll`.
   *
   * @throws AbortedError when the signal fires, UsageError
   */
  detectAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: DetectOptions = {},
  ): AsyncGenerator<Answered<PictureSource, DetectionResult>> {
    const choice = this.#choice(options);
    const run = (batch: readonly PictureViews[]) => this.#detectBatch(batch, choice, options.signal);
    return this.engine.answerAll(pictures, run, options);
  }

  /** The same for those who make up batches themselves, or read pictures from somewhere else (`streamAnswers`). */
  detectTask<S>(options: DetectOptions = {}): BatchTask<PictureViews, DetectionResult, S> {
    const choice = this.#choice(options);
    const run = (batch: readonly Prepared<S, PictureViews>[]) =>
      this.#detectBatch(
        batch.map(({ view }) => view),
        choice,
        options.signal,
      );
    return this.engine.task(run, options.batchSize);
  }

  #choice({ threshold = DEFAULT_THRESHOLD, most = DEFAULT_MOST, suppression, only }: DetectOptions): DetectChoice {
    if (!(threshold >= 0 && threshold < 1)) throw new UsageError(`threshold is from 0 to below 1, got ${threshold}`);
    if (!Number.isInteger(most) || most < 1)
      throw new UsageError(`the most answers are a whole number of at least 1, got ${most}`);
    if (suppression !== undefined && suppression !== "none" && !(suppression > 0 && suppression <= 1))
      throw new UsageError(`suppression is an overlap above 0 and up to 1, or "none", got ${suppression}`);
    return {
      threshold,
      most,
      suppression: suppression === "none" ? undefined : (suppression ?? this.engine.model.suppression),
      mayJoinViews: suppression !== "none",
      only: only === undefined ? undefined : indexesOf(only, this.labels, this.card.name),
    };
  }

  async #detectBatch(
    batch: readonly PictureViews[],
    { mayJoinViews, ...choice }: DetectChoice,
    signal: AbortSignal | undefined,
  ): Promise<DetectionResult[]> {
    const outputs = await this.engine.run(batch.flat(), ["boxes", "logits"], signal);
    const candidates = viewCandidates(requireOutput(outputs, "boxes"), requireOutput(outputs, "logits"));
    return byPicture(batch, candidates).map((ofViews, i) => {
      const { width, height } = batch[i]![0];
      const picture = { width, height };
      const views = this.viewsOf(picture);
      const suppression = choice.suppression ?? (ofViews.length > 1 && mayJoinViews ? ACROSS_VIEWS : undefined);
      return {
        detections: chooseDetections(ofViews, views, picture, { ...choice, suppression }, this.labels),
        picture,
        seen: seenShare(views),
      };
    });
  }
}

/** Loads a model as a detector. Throws UsageError when it answers something else. */
export async function loadDetector(host: Host, source: ModelSource, options: DetectorOptions = {}): Promise<Detector> {
  return new Detector(await openDense(host, source, options, { detections: "whole" }));
}
