// The recipe's field `pretext`: what is learnt from pictures without labels. An objective adds its type, its schema and its line in the union.
import { z } from "zod";

/** What is learnt from pictures that nobody named. */
export type PretextInput = RotationInput;

/**
 * By how many quarters a picture was turned, which says what is in it and how that stands (Gidaris et al., "Unsupervised Representation Learning by Predicting
 * Image Rotations", ICLR 2018).
 */
export interface RotationInput {
  readonly objective: "rotation";
  /** "all": every picture comes in all four ways, so that four times as many as `batch` says go through the model. "one": in one of them, at random. Default "all". */
  readonly turns?: "all" | "one" | undefined;
}

const rotation = z.strictObject({
  objective: z.literal("rotation"),
  turns: z.enum(["all", "one"]).default("all"),
});

export const pretextSchema = z.discriminatedUnion("objective", [rotation]);

/** A complete one. */
export type Pretext = z.output<typeof pretextSchema>;
export type Rotation = z.output<typeof rotation>;

/** Names of the objectives. */
export const PRETEXTS = pretextSchema.options.map((option) => option.shape.objective.value);

/** Of the scope in which an objective keeps parameters that are its own, and no part of the model: "pretext.rotation.weight". */
export const PRETEXT_SCOPE = "pretext";
