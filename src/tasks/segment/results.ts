// What segmenters answer.
import type { Box } from "../../boxes/box.ts";
import type { Mask } from "../../boxes/masks.ts";
import type { PictureSize } from "../../image/raw-image.ts";

export const SEGMENTATIONS = ["semantic", "instance", "panoptic"] as const;
/**
 * Ways to say which pixels are what:
 *
 * - "semantic": the class of every pixel; all sheep are one segment
 * - "instance": each thing that can be counted with a mask of its own; masks may overlap, and most pixels may be in none
 * - "panoptic": both: each thing for itself, stuff such as sky as one segment, no pixel twice
 */
export type Segmentation = (typeof SEGMENTATIONS)[number];

/** A part of a picture. */
export interface Segment {
  /** In the map, from 1; of "semantic" one more than the class's index, in every picture. */
  readonly id: number;
  readonly label: string;
  /** Of the class. */
  readonly index: number;
  /** How sure it is, 0..1; "semantic" does not say. */
  readonly score?: number;
  /** Which pixels of the picture. */
  readonly mask: Mask;
  /** The smallest box around them, in pixels of the picture. */
  readonly box: Box;
  /** Of the picture's area, 0..1. */
  readonly share: number;
  /** Whether it is one of the things that can be counted; "semantic" does not say. */
  readonly isThing?: boolean;
}

/** Which segment each pixel is of, row by row: an `id`, 0 for none. It is smaller than a very large picture. */
export interface SegmentMap extends PictureSize {
  readonly ids: Int32Array;
}

export interface SegmentationResult {
  readonly kind: Segmentation;
  /** Of "semantic" the largest first, else the surest. */
  readonly segments: readonly Segment[];
  /** Of "semantic" and "panoptic". */
  readonly map?: SegmentMap;
  /** Of a model with a gate: how many of the steps that it may leave out were run for this picture. */
  readonly exit?: number;
  readonly picture: PictureSize;
  /** The part of the picture's area that the model saw, 0..1. */
  readonly seen: number;
}
