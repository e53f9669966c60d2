// A model of pictures as one of clips: it answers for every frame (and crop) by itself, and the mean of its probabilities is the clip's answer.
import { SaccadeError } from "../../errors.ts";
import { fixedOutputSize } from "../../image/transform.ts";
import type { PictureView } from "../../image/view.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { modelCost } from "../../models/cost.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import type { Host } from "../../platform/host.ts";
import { type Classifier, loadClassifier } from "../classify/classifier.ts";
import type { ClassScores } from "../classify/results.ts";
import { batchesOf } from "../engine/picture-sessions.ts";
import { frameGaze, keptStages } from "./clip-gaze.ts";
import {
  type ClipScorer,
  type ClipScores,
  type KeptLooks,
  meanOrError,
  rowsOfFrames,
  type ScoreClipsOptions,
} from "./clip-scorer.ts";
import type { ViewedClip, ViewedFrame } from "./clip-views.ts";
import type { VideoClassifierOptions } from "./video-options.ts";

/** Frames that stand for a clip where nobody says how many. */
export const USUAL_FRAMES = 8;
const DEFAULT_BATCH_SIZE = 8;

export class FrameScorer implements ClipScorer {
  readonly kind = "frames";
  readonly frames = { usual: USUAL_FRAMES, isFixed: false };
  readonly #classifier: Classifier;
  readonly #definition: ModelDefinition | undefined;
  #macs: number | undefined;

  private constructor(classifier: Classifier, definition: ModelDefinition | undefined) {
    this.#classifier = classifier;
    this.#definition = definition;
  }

  /** Throws as loading a classifier of pictures does. */
  static async open(host: Host, model: LoadedModel, options: VideoClassifierOptions): Promise<FrameScorer> {
    const classifier = await loadClassifier(host, model, options);
    return new FrameScorer(classifier, model.kind === "native" ? model.definition : undefined);
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

  get layout() {
    return this.#classifier.layout;
  }

  get looks(): boolean {
    return this.#classifier.looks;
  }

  get unknownBelow(): number | undefined {
    return this.#classifier.unknownBelow;
  }

  macs(): number | undefined {
    const size = fixedOutputSize(this.transform);
    if (this.#definition === undefined || size === undefined) return undefined;
    this.#macs ??= modelCost(this.#definition, size).macs;
    return this.#macs;
  }

  async score(clips: readonly ViewedClip[], options: ScoreClipsOptions): Promise<(ClipScores | SaccadeError)[]> {
    const { batchSize = DEFAULT_BATCH_SIZE } = options;
    const inBatches = async (views: readonly PictureView[]) => {
      const rows: (ClassScores | SaccadeError)[] = [];
      for (const batch of batchesOf(views, batchSize)) rows.push(...(await this.#scoreViews(batch, options)));
      return rows;
    };
    const rows = await rowsOfFrames(clips, inBatches, (row, frame, crop) =>
      row instanceof SaccadeError ? row : this.#ofFrame(row, frame, crop, options.looks),
    );
    return rows.map((ofClip) => meanOrError(ofClip, this.unknownBelow));
  }

  #scoreViews(views: readonly PictureView[], { looks, signal }: ScoreClipsOptions) {
    const task = this.#classifier.scoreTask<PictureView>({
      wantsGaze: () => looks !== "none",
      ...(signal === undefined ? {} : { signal }),
    });
    return task.run(views.map((view) => ({ source: view, view: [view] as const })));
  }

  #ofFrame({ gaze, strangeness, ...row }: ClassScores, frame: ViewedFrame, crop: number, looks: KeptLooks): ClipScores {
    const kept =
      gaze === undefined || looks === "none"
        ? undefined
        : frameGaze(keptStages(gaze.stages, looks), frame, crop, this.transform);
    return {
      scores: row.scores,
      kind: row.kind,
      ...(strangeness === undefined ? {} : { strangeness }),
      ...(kept === undefined ? {} : { gaze: [kept] }),
    };
  }

  dispose(): Promise<void> {
    return this.#classifier.dispose();
  }
}
