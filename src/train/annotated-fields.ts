// The fields of recipes for annotated pictures: how much of what is known of them is learnt, and how.
import { z } from "zod";
import { type Exactly, rate, share } from "./field-kinds.ts";

/** How much of annotated pictures goes into a batch. */
export interface AnnotationsInput {
  /** Things in a picture at most; of more the largest count. */
  readonly most: number;
  /** Size of the masks of things that are learnt, pixels. Default: none are. */
  readonly masks?: MapSizeInput | undefined;
  /** Size of the map of classes that is learnt, pixels. Default: none is. */
  readonly semantic?: MapSizeInput | undefined;
}

/** Pixels. */
export interface MapSizeInput {
  readonly height: number;
  readonly width: number;
}

/** How a model that says a class for every pixel learns. */
export interface SegmentationInput {
  /** Of the cross-entropy. Default 0.5. */
  readonly cross_entropy_weight?: number | undefined;
  /** Of the Dice loss. Default 0.5. */
  readonly dice_weight?: number | undefined;
}

/** How sets of boxes, or of masks, are matched and learnt. Weights are those of the matching costs, too. */
export interface DetectionInput {
  /** Of the classes' loss. Default 2. */
  readonly class_weight?: number | undefined;
  /** Of the distance of centres and sizes. Default 5, and 1 where a model learns them as changes of the boxes before. */
  readonly l1_weight?: number | undefined;
  /** Of the generalised overlap. Default 2. */
  readonly giou_weight?: number | undefined;
  /** Of the masks' cross-entropy, for models that answer with masks. Default 5. */
  readonly mask_weight?: number | undefined;
  /** Of the masks' Dice loss, for models that answer with masks. Default 5. */
  readonly dice_weight?: number | undefined;
  /** How much an answer of no class counts among those of classes, for models that have one. Default 0.1. */
  readonly empty_weight?: number | undefined;
  /** Points of a picture at which masks are compared. Default: all of the learnt masks. */
  readonly points?: number | undefined;
  /** How many answers each thing has in one-to-many matching, where the model has queries for it. Default 6. */
  readonly copies?: number | undefined;
  /** Of the losses of one-to-many matching. Default 1. */
  readonly copies_weight?: number | undefined;
}

/** How a run is measured while it learns: AP of boxes or masks, mIoU, PQ. */
export interface ValidationInput {
  /** Epochs from one measurement to the next; there is also one after the last. Default 1. */
  readonly every?: number | undefined;
  /** Pictures at most, spread evenly over the validation split, always the same. Default 500. */
  readonly pictures?: number | undefined;
  /** Of a segmenter, which way. Default: the model's usual one. */
  readonly kind?: "semantic" | "instance" | "panoptic" | undefined;
}

/** How the gate of an encoder that may stop early learns. */
export interface GatingInput {
  /** What an encoder layer costs, in panoptic quality (0 to 1): the larger, the earlier pictures leave. */
  readonly beta: number;
  /**
   * "soft": what exits are worth as probabilities, and their mean squared distance, as in the released code. "best": the exit that is worth most, by cross-entropy. Default "soft".
   */
  readonly target?: "soft" | "best" | undefined;
  /** How sure a query must be of its class to count as a segment. Default 0.8, as panoptic segmentation has it. */
  readonly threshold?: number | undefined;
}

const mapSize = z.strictObject({ height: z.int().min(1).max(4096), width: z.int().min(1).max(4096) });

export const annotationsSchema = z.strictObject({
  most: z.int().min(1).max(1000),
  masks: mapSize.optional(),
  semantic: mapSize.optional(),
});

export const detectionSchema = z.strictObject({
  class_weight: rate.default(2),
  l1_weight: rate.optional(),
  giou_weight: rate.default(2),
  mask_weight: rate.default(5),
  dice_weight: rate.default(5),
  empty_weight: share.default(0.1),
  points: z.int().min(1).max(100_000).optional(),
  copies: z.int().min(1).max(100).default(6),
  copies_weight: rate.default(1),
});

export const segmentationSchema = z.strictObject({
  cross_entropy_weight: rate.default(0.5),
  dice_weight: rate.default(0.5),
});

export const validationSchema = z.strictObject({
  every: z.int().min(1).max(10_000).default(1),
  pictures: z.int().min(1).max(1_000_000).default(500),
  kind: z.enum(["semantic", "instance", "panoptic"]).optional(),
});

export const gatingSchema = z.strictObject({
  beta: share,
  target: z.enum(["soft", "best"]).default("soft"),
  threshold: share.default(0.8),
});
export type Gating = z.output<typeof gatingSchema>;

true satisfies Exactly<AnnotationsInput, z.input<typeof annotationsSchema>>;
true satisfies Exactly<DetectionInput, z.input<typeof detectionSchema>>;
true satisfies Exactly<SegmentationInput, z.input<typeof segmentationSchema>>;
true satisfies Exactly<GatingInput, z.input<typeof gatingSchema>>;
true satisfies Exactly<ValidationInput, z.input<typeof validationSchema>>;

/** What a recipe without the field does. */
export const VALIDATION_DEFAULTS = validationSchema.parse({});

/** What a recipe without the field does. */
export const SEGMENTATION_DEFAULTS = segmentationSchema.parse({});
export type Segmentation = z.output<typeof segmentationSchema>;

/** What a recipe without the field does. */
export const DETECTION_DEFAULTS = detectionSchema.parse({});
export type Detection = z.output<typeof detectionSchema>;
