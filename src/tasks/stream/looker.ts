// What looks at single frames for a stream: any classifier, or a model that can also start from what it found in the last frame.
import type { PictureSize, RawImage } from "../../image/raw-image.ts";
import type { ViewToPicture } from "../../image/transform.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { AdaptiveClassifier } from "../classify/adaptive-classifier.ts";
import type { Classifier } from "../classify/classifier.ts";
import type { ExitOptions } from "../classify/exit-rule.ts";
import type { ClassScores } from "../classify/results.ts";

export interface LookerOptions {
  /** Also say where the model looked. */
  readonly explain?: boolean;
  readonly signal?: AbortSignal;
}

export interface Looker {
  readonly card: ModelCard;
  readonly labels: readonly string[] | undefined;
  readonly device: ActualDevice;
  /** Whether it can say where it looked. */
  readonly looks: boolean;
  /** Multiply-accumulates of a full look and of a step, where they are known. */
  readonly macs?: { readonly full: number; readonly step: number };
  /** Where its view lies on a frame of this size. */
  viewOf(frame: PictureSize): ViewToPicture;
  full(frame: RawImage, options: LookerOptions): Promise<ClassScores>;
  /** Starts from what the last full look left. Absent where a model cannot; undefined when there was no look. */
  step?(frame: RawImage, options: LookerOptions): Promise<ClassScores | undefined>;
  /** What comes next has nothing to do with what was. For those that remember more than their last look. */
  forget?(): void;
  dispose(): Promise<void>;
}

/**
 * Any model that names what is in pictures.
 *
 * @param exit what stops a look early, for a model that runs in steps of its own
 */
export function classifierLooker(classifier: Classifier | AdaptiveClassifier, exit: ExitOptions = {}): Looker {
  return {
    card: classifier.card,
    labels: classifier.labels,
    device: classifier.device,
    looks: classifier.looks,
    viewOf: (frame) => classifier.viewsOf(frame)[0]!,
    full: async (frame, options) => (await classifier.scores([frame], { ...exit, ...options }))[0]!,
    dispose: () => classifier.dispose(),
  };
}
