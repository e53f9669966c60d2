// A model of pictures in steps as one of clips: each frame (and crop) stops by itself, and the mean of their probabilities is the clip's answer.
import type { SaccadeError } from "../../errors.ts";
import type { PictureView } from "../../image/view.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import type { Host } from "../../platform/host.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import { AdaptiveClassifier } from "../classify/adaptive-classifier.ts";
import { frameGaze, keptStages } from "./clip-gaze.ts";
import { type ClipScorer, type ClipScores, meanOfLooks, rowsOfFrames, type ScoreClipsOptions } from "./clip-scorer.ts";
import type { ViewedClip } from "./clip-views.ts";
import { USUAL_FRAMES } from "./frame-scorer.ts";
import type { VideoClassifierOptions } from "./video-options.ts";

export class StagedFrames implements ClipScorer {
  readonly kind = "frames";
  readonly frames = { usual: USUAL_FRAMES, isFixed: false };
  readonly #classifier: AdaptiveClassifier;
  /** All stages share one worker. */
  readonly layout: SessionLayout;

  private constructor(classifier: AdaptiveClassifier, threads: number) {
    this.#classifier = classifier;
    this.layout = { sessions: 1, threads };
  }

  /** Throws as opening an adaptive classifier does. */
  static async open(host: Host, model: NativeModel, options: VideoClassifierOptions): Promise<StagedFrames> {
    const classifier = await AdaptiveClassifier.open(host, model, options);
    return new StagedFrames(classifier, options.threads ?? host.machine.cores);
  }

  get card() {
    return this.#classifier.card;
  }

  get labels() {
    return this.#classifier.labels;
  }

  get transform() {
    return this.#classifier.transform;
  }

  get device() {
    return this.#classifier.device;
  }

  get steps(): readonly string[] {
    return this.#classifier.steps;
  }

  get looks(): boolean {
    return this.#classifier.looks;
  }

  get unknownBelow(): number | undefined {
    return this.card.unknownBelow;
  }

  /** All steps together. */
  macs(): number {
    return this.#macsOf(this.steps.length);
  }

  async score(
    clips: readonly ViewedClip[],
    { looks, batchSize, exit, signal }: ScoreClipsOptions,
  ): Promise<(ClipScores | SaccadeError)[]> {
    const inSteps = (views: readonly PictureView[]) =>
      this.#classifier.scoreViews(views, {
        ...exit,
        explain: looks !== "none",
        ...(batchSize === undefined ? {} : { batchSize }),
        ...(signal === undefined ? {} : { signal }),
      });
    const rows = await rowsOfFrames(clips, inSteps, (row, frame, crop): ClipScores => {
      const { scores, kind, strangeness, gaze, stepLogits, stopped } = row;
      const stages = gaze === undefined || looks === "none" ? [] : keptStages(gaze.stages, looks);
      return {
        scores,
        kind,
        ...(strangeness === undefined ? {} : { strangeness }),
        ...(stages.length === 0 ? {} : { gaze: [frameGaze(stages, frame, crop, this.transform)] }),
        efforts: [{ steps: stepLogits.length, macs: this.#macsOf(stepLogits.length), stopped }],
      };
    });
    return rows.map((ofClip) => meanOfLooks(ofClip, this.unknownBelow));
  }

  /** Of the first so many steps. */
  #macsOf(steps: number): number {
    return this.#classifier.stepMacs.slice(0, steps).reduce((sum, macs) => sum + macs, 0);
  }

  dispose(): Promise<void> {
    return this.#classifier.dispose();
  }
}
