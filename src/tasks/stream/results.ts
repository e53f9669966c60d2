// What following a moving picture answers.
import type { GazeResult, Prediction } from "../classify/results.ts";
import type { LookChoice, LookReason } from "./look-rule.ts";

export interface StreamAnswer {
  /** Of the frame: its number and time, as the source says them. */
  readonly index: number;
  readonly seconds: number;
  /** Best first, smoothed over the looks at the same scene. */
  readonly predictions: readonly Prediction[];
  /** Whether it is none of the model's classes. Present where the model can say so. */
  readonly unknown?: boolean;
  /** Part of the frame that the model sees when it looks, 0..1: less than 1 where its transform cuts something off. */
  readonly seen: number;
  /** What was spent on the frame. */
  readonly look: LookChoice["kind"];
  readonly reason: LookReason;
  /** How much the picture differs from the one that was last looked at fully, 0..1. */
  readonly change: number;
  /** Counts scenes, from 0: what is smoothed is of one scene. */
  readonly scene: number;
  /** Where the model looked, the last time it did. Present when asked for and when the model has a gaze. */
  readonly gaze?: GazeResult;
  /** From taking the frame to the answer. */
  readonly latencyMs: number;
}

/** Counted from the beginning. What it takes does not grow. */
export interface StreamCounts {
  /** Answered. */
  readonly frames: number;
  /** Frames that came while others were worked on, and were never looked at. */
  readonly dropped: number;
  readonly fullLooks: number;
  readonly steps: number;
  /** Frames whose answer is the one before. */
  readonly kept: number;
  /** Milliseconds of all answers, and the longest. */
  readonly latency: { readonly totalMs: number; readonly longestMs: number };
}
