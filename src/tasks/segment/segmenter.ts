// Segmentation: pictures to parts with masks.
import { UsageError } from "../../errors.ts";
import type { DecodeOptions } from "../../image/raw-image.ts";
import { seenShare } from "../../image/seen-share.ts";
import type { PictureViews } from "../../image/view.ts";
import { breathe } from "../../learn/stop.ts";
import type { Host } from "../../platform/host.ts";
import { toFloat64 } from "../../tensor.ts";
import { DenseTask } from "../engine/dense-task.ts";
import { type DenseOptions, openDense } from "../engine/dense-views.ts";
import { byPicture, type ModelSource, requireOutput } from "../engine/engine.ts";
import { indexesOf } from "../engine/label-indexes.ts";
import { type Answered, allAnswers, type BatchTask, oneOrMany, type Prepared } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";
import { type SegmentChoice, segmentsOf, viewScores } from "./read-outputs.ts";
import { SEGMENTATIONS, type Segmentation, type SegmentationResult } from "./results.ts";

/**
 * What segmenters take. Where preprocessing crops, a model of classes of pixels sees the whole picture in several crops, whose scores are added where they overlap,
 * and a model of masks sees it between bars, unless `views` says otherwise.
 */
export type SegmenterOptions = DenseOptions;

export interface SegmentOptions extends DecodeOptions {
  /**
   * Which way. Default: "semantic" for models of classes of pixels, which know no other; of models of masks "panoptic" where some classes are things and others
   * stuff, "instance" where all are things, "semantic" where none is.
   */
  readonly kind?: Segmentation;
  /** Of "instance" the least score, default 0.5; of "panoptic" how sure a segment's class must be, default 0.8. */
  readonly threshold?: number;
  /** Of "instance": how many are looked at, things and stuff together. Default 100. */
  readonly most?: number;
  /** Labels that are of interest. Default: all. */
  readonly only?: readonly string[];
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_MOST = 100;
const DEFAULT_THRESHOLDS: Readonly<Record<Segmentation, number>> = { semantic: 0, instance: 0.5, panoptic: 0.8 };

/**
 * A model that says which pixels are what.
 *
 * @example
 * const segmenter = await Segmenter.load("runs/scenes/best");
 * const { segments } = await segmenter.segment("photo.jpg");
 * for (const { label, share, box } of segments) console.log(label, share, box);
 * await segmenter.dispose();
 */
export class Segmenter extends DenseTask {
  /** The ways that the model knows, the usual one first. */
  get kinds(): readonly [Segmentation, ...Segmentation[]] {
    const { answers, things } = this.engine.model;
    if (answers === "semantic") return ["semantic"];
    if (things === undefined) return ["instance", "semantic", "panoptic"];
    return things.length === 0 ? ["semantic"] : ["panoptic", "instance", "semantic"];
  }

  /** Whether a class is of things that can be counted; undefined where the model does not tell things from stuff. */
  isThing(index: number): boolean | undefined {
    const { answers, things } = this.engine.model;
    return answers === "semantic" ? undefined : (things?.includes(index) ?? true);
  }

  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  segment(picture: PictureSource, options?: SegmentOptions): Promise<SegmentationResult>;
  segment(pictures: readonly PictureSource[], options?: SegmentOptions): Promise<SegmentationResult[]>;
  async segment(
    pictures: PictureSource | readonly PictureSource[],
    options: SegmentOptions = {},
  ): Promise<SegmentationResult | SegmentationResult[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.segmentAll(sources, options)));
  }

  /**
   * Any number of pictures, each with its result or the error why it has none, in their order; see `Classifier.classifyAll`.
   *
   * @throws AbortedError when the signal fires, UsageError
   */
  segmentAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: SegmentOptions = {},
  ): AsyncGenerator<Answered<PictureSource, SegmentationResult>> {
    const choice = this.#choice(options);
    const run = (batch: readonly PictureViews[]) => this.#segmentBatch(batch, choice, options.signal);
    return this.engine.answerAll(pictures, run, options);
  }

  /** The same for those who make up batches themselves, or read pictures from somewhere else (`streamAnswers`). */
  segmentTask<S>(options: SegmentOptions = {}): BatchTask<PictureViews, SegmentationResult, S> {
    const choice = this.#choice(options);
    const run = (batch: readonly Prepared<S, PictureViews>[]) =>
      this.#segmentBatch(
        batch.map(({ view }) => view),
        choice,
        options.signal,
      );
    return this.engine.task(run, options.batchSize);
  }

  #choice({ kind = this.kinds[0], threshold, most = DEFAULT_MOST, only }: SegmentOptions): SegmentChoice {
    if (!SEGMENTATIONS.includes(kind))
      throw new UsageError(`a segmentation is ${SEGMENTATIONS.join(", ")}, got "${kind}"`);
    if (!this.kinds.includes(kind))
      throw new UsageError(
        `${this.card.name} does not tell one thing from another of its class: there is no ${kind} segmentation`,
        'its segmentation is "semantic"',
      );
    if (threshold !== undefined && !(threshold >= 0 && threshold < 1))
      throw new UsageError(`threshold is from 0 to below 1, got ${threshold}`);
    if (!Number.isInteger(most) || most < 1)
      throw new UsageError(`the most answers are a whole number of at least 1, got ${most}`);
    return {
      kind,
      threshold: threshold ?? DEFAULT_THRESHOLDS[kind],
      most,
      isThing: (index) => this.isThing(index) ?? false,
      only: only === undefined ? undefined : indexesOf(only, this.labels, this.card.name),
    };
  }

  async #segmentBatch(
    batch: readonly PictureViews[],
    choice: SegmentChoice,
    signal: AbortSignal | undefined,
  ): Promise<SegmentationResult[]> {
    const { answers, logitsName, hasGate = false } = this.engine.model;
    const names = [logitsName, ...(answers === "queries" ? ["mask_logits"] : []), ...(hasGate ? ["exit"] : [])];
    const outputs = await this.engine.run(batch.flat(), names, signal);
    const masks = answers === "queries" ? requireOutput(outputs, "mask_logits") : undefined;
    const scores = viewScores(answers, requireOutput(outputs, logitsName), masks);
    const exits = hasGate ? byPicture(batch, [...toFloat64(requireOutput(outputs, "exit"))]) : undefined;
    const results: SegmentationResult[] = [];
    for (const [i, ofViews] of byPicture(batch, scores).entries()) {
      const { width, height } = batch[i]![0];
      const picture = { width, height };
      const views = this.viewsOf(picture);
      const found = await segmentsOf(ofViews, views, picture, choice, this.labels, () => breathe(signal, "segmenting"));
      const exit = exits === undefined ? {} : { exit: Math.max(...exits[i]!) }; // of the view that took longest
      results.push({ kind: choice.kind, ...found, ...exit, picture, seen: seenShare(views) });
    }
    return results;
  }
}

/** Loads a model as a segmenter. Throws UsageError when it answers something else. */
export async function loadSegmenter(
  host: Host,
  source: ModelSource,
  options: SegmenterOptions = {},
): Promise<Segmenter> {
  return new Segmenter(await openDense(host, source, options, { semantic: "crops", queries: "whole" }));
}
