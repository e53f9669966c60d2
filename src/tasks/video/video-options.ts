// What callers say: of a model of videos, and of videos that it is to answer for.
import type { VideoLimits } from "../../video/video.ts";
import type { ExitOptions } from "../classify/exit-rule.ts";
import type { EngineOptions } from "../engine/engine.ts";

/** A model for videos: what a model of pictures takes too, without views, which are the crops of an answer. */
export interface VideoClassifierOptions extends Omit<EngineOptions, "views"> {
  /** Runs a model that has steps one step after another, so that clips, or frames of a model of pictures, can stop early (`threshold`, `budgetMacs`, …). Default false. */
  readonly inSteps?: boolean;
}

export interface VideoProgress {
  /** Which of the videos, from 0. */
  readonly video: number;
  /** Clips of this video that are answered, and how many there are. */
  readonly done: number;
  readonly clips: number;
}

/** What stops early stops each clip (or frame) in each crop by itself; it is for models that were loaded to run in steps. */
export interface ClassifyVideoOptions extends VideoLimits, ExitOptions {
  /** How many predictions. Default 5. */
  readonly topK?: number;
  /** Clips of a video, whose answers are averaged. Default: the model's, else 1. A timeline has one clip a window. */
  readonly clips?: number;
  /** Frames of a clip. Default: the model's own number; 8 for a model of pictures, whose answers for frames are averaged. */
  readonly frames?: number;
  /** From a frame of a clip to its next one. Default: the model's, else a clip's frames are spread over the video, or over the window of a timeline. */
  readonly secondsBetweenFrames?: number;
  /** Crops along the longer side of a frame, whose answers are averaged; 3 is what tests on Kinetics take. Default 1. */
  readonly crops?: number;
  /** A timeline: an answer for every window of so many seconds. Default: one answer for the video. */
  readonly every?: number;
  /** Also say where the model looked: in all of its looks, or in the last one only. Models that do not look sparsely answer without. Default false. */
  readonly explain?: boolean | "last";
  /** Clips (frames, of a model of pictures) run together at most. Default 2 (8). */
  readonly batchSize?: number;
  /** Frames a second of a folder of pictures. Default 25. */
  readonly frameRate?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VideoProgress) => void;
}
