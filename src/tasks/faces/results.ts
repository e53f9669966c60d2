// What a face analyser answers.
import type { Box } from "../../boxes/box.ts";
import type { Mask } from "../../boxes/masks.ts";
import type { PictureSize } from "../../image/raw-image.ts";

/** A label with how sure it is, 0..1. */
export interface Rated {
  readonly label: string;
  readonly score: number;
}

/** A part of a face. The release does not say what each is called. */
export interface FacePart {
  /** Of the model's masks, from 1. */
  readonly index: number;
  readonly label: string;
  /** Which pixels of the picture. */
  readonly mask: Mask;
}

/** How a head is turned, in degrees. */
export interface HeadPose {
  readonly pitch: number;
  readonly yaw: number;
  readonly roll: number;
}

export interface Face {
  /** What of the picture the model saw, in its pixels: the face with a margin. */
  readonly box: Box;
  /** 68 points in pixels of the picture, in the order of iBUG's markup (300-W): jaw, brows, nose, eyes, mouth. */
  readonly landmarks: readonly (readonly [x: number, y: number])[];
  /** How likely each of 29 points (of COFW's markup) is seen and not hidden, 0..1. */
  readonly visibility: readonly number[];
  readonly pose: HeadPose;
  /** All 40, each with how likely it holds, in CelebA's order. */
  readonly attributes: readonly Rated[];
  /** Decades, the likeliest first. */
  readonly age: readonly Rated[];
  readonly gender: readonly Rated[];
  readonly race: readonly Rated[];
  /** Those that some pixels are of. */
  readonly parts: readonly FacePart[];
}

export interface FaceResult {
  readonly faces: readonly Face[];
  readonly picture: PictureSize;
}
