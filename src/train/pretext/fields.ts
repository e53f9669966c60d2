// The recipe's field `pretext`: what is learnt from pictures without labels. An objective adds its type, its schema and its line in the union.
import { z } from "zod";

/** What is learnt from pictures that nobody named. */
export type PretextInput = RotationInput | SparkInput | ReflectionsInput;

/**
 * By how many quarters a picture was turned, which says what is in it and how that stands (Gidaris et al., "Unsupervised Representation Learning by Predicting
 * Image Rotations", ICLR 2018).
 */
export interface RotationInput {
  readonly objective: "rotation";
  /** "all": every picture comes in all four ways, so that four times as many as `batch` says go through the model. "one": in one of them, at random. Default "all". */
  readonly turns?: "all" | "one" | undefined;
}

/**
 * What the patches of a picture were that are hidden, from those that are not (Tian et al., "Designing BERT for Convolutional Networks: Sparse and Hierarchical
 * Masked Modeling", ICLR 2023). For convolutional networks.
 */
export interface SparkInput {
  readonly objective: "spark";
  /** Share of a picture's patches that are hidden. Default 0.6. */
  readonly hidden?: number | undefined;
  /** Channels of the decoder's smallest map. Default: as many as the network's last map has, at most 768. */
  readonly decoder_width?: number | undefined;
}

/**
 * What a picture was before another one was reflected in it (Zhang et al., "Benchmarking Ultra-High-Definition Image Reflection Removal", 2023). For models that answer with
 * pictures.
 */
export interface ReflectionsInput {
  readonly objective: "reflections";
  /** Least and most deviation of the blur of what is reflected, in pixels. Default 2 to 5. */
  readonly blur?: readonly [number, number] | undefined;
  /** Least and most of its brightness that is reflected. Default 0.4 to 1. */
  readonly strength?: readonly [number, number] | undefined;
  /** Of the mean squared difference. Default 0.2. */
  readonly squares_weight?: number | undefined;
  /** Of the difference of gradients. Default 0.4. */
  readonly gradients_weight?: number | undefined;
}

const rotation = z.strictObject({
  objective: z.literal("rotation"),
  turns: z.enum(["all", "one"]).default("all"),
});

const spark = z.strictObject({
  objective: z.literal("spark"),
  hidden: z.number().positive().lt(1).default(0.6),
  decoder_width: z.int().min(8).max(8192).optional(),
});

const range = (most: number) =>
  z
    .tuple([z.number().positive().max(most), z.number().positive().max(most)])
    .refine(([low, high]) => low <= high, "the least comes first")
    .readonly();

const reflections = z.strictObject({
  objective: z.literal("reflections"),
  blur: range(100).default([2, 5]),
  strength: range(1).default([0.4, 1]),
  squares_weight: z.number().min(0).max(100).default(0.2),
  gradients_weight: z.number().min(0).max(100).default(0.4),
});

export const pretextSchema = z.discriminatedUnion("objective", [rotation, spark, reflections]);

/** A complete one. */
export type Pretext = z.output<typeof pretextSchema>;
export type Rotation = z.output<typeof rotation>;
export type Spark = z.output<typeof spark>;
export type Reflections = z.output<typeof reflections>;

/** Names of the objectives. */
export const PRETEXTS = pretextSchema.options.map((option) => option.shape.objective.value);

/** Of the scope in which an objective keeps parameters that are its own, and no part of the model: "pretext.rotation.weight". */
export const PRETEXT_SCOPE = "pretext";
