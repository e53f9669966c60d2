// What detectors answer.
import type { Box } from "../../boxes/box.ts";
import type { PictureSize } from "../../image/raw-image.ts";

/** A thing that was found. */
export interface Detection {
  readonly label: string;
  /** Of the class. */
  readonly index: number;
  /** How sure it is, 0..1. */
  readonly score: number;
  /** Left, top, right, bottom, in pixels of the picture as it is looked at, its orientation applied. */
  readonly box: Box;
}

export interface DetectionResult {
  /** Best first. */
  readonly detections: readonly Detection[];
  /** What boxes are measured on. */
  readonly picture: PictureSize;
  /** The part of the picture's area that the model saw, 0..1. */
  readonly seen: number;
}
