// What a classifier of videos answers.
import type { SaccadeError } from "../../errors.ts";
import type { ClipGaze } from "../../video/gaze.ts";
import type { Prediction } from "../classify/results.ts";

/** A part of a timeline, as the model sees it. Times are the file's own, in seconds. */
export interface TimelineWindow {
  readonly start: number;
  readonly end: number;
  /** Best first. */
  readonly predictions: readonly Prediction[];
  /** Whether it is none of the model's classes. Present where the model can say so. */
  readonly unknown?: boolean;
}

/** Neighbouring windows with one label. */
export interface TimelineSegment {
  readonly start: number;
  readonly end: number;
  /** "unknown" where the windows are none of the model's classes. */
  readonly label: string;
  /** The label's class; -1 for "unknown". */
  readonly index: number;
  /** The mean of the windows' probabilities for the label; of "unknown", of what they took for likeliest. */
  readonly score: number;
  readonly windows: number;
}

/** How a video was looked at. */
export interface VideoViews {
  /** "clips": the model sees several frames at once. "frames": it is a model of pictures; the answers for single frames were averaged. */
  readonly kind: "clips" | "frames";
  /** Clips (or windows of a timeline), frames of each, crops of each frame. */
  readonly clips: number;
  readonly frames: number;
  readonly crops: number;
  /** Multiply-accumulates of one clip in one crop, or of one frame in one crop; undefined where the model does not tell. */
  readonly macs: number | undefined;
  /**
   * Of a model that ran in steps: how many clips in crops stopped after each, and what one costs that takes all of them. `macs` is then the mean of what
   * was spent.
   */
  readonly steps?: readonly { readonly name: string; readonly stopped: number }[];
  readonly macsInAll?: number;
  /** "12.0 GFLOPs x (4 clips x 3 crops)" */
  readonly cost: string;
}

export interface VideoResult {
  /** Best first; from the mean of the probabilities of all clips and crops. */
  readonly predictions: readonly Prediction[];
  /** Whether the video is none of the model's classes. Present where the model can say so. */
  readonly unknown?: boolean;
  /** The part of a frame's area that the model saw, 0..1. */
  readonly seen: number;
  readonly views: VideoViews;
  /** When the first frame is shown and the last one over, in seconds. */
  readonly start: number;
  readonly end: number;
  /** Present when a timeline was asked for. */
  readonly windows?: readonly TimelineWindow[];
  readonly segments?: readonly TimelineSegment[];
  /** Present when asked for and where the model looks sparsely. */
  readonly gaze?: readonly ClipGaze[];
  /** Of a video that ends before it should, or whose timeline could not be read to its end: why. What came before is answered. */
  readonly cutOff?: SaccadeError;
}
