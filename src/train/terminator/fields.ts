// The field of recipes for Terminators.
import { z } from "zod";
import { rate } from "../field-kinds.ts";

/** What a model learns besides the answer whose kernels are made by slow nets. */
export interface SlowNeuralInput {
  /** Weight of the distance of each block's global kernel from those before it. Default 1. */
  readonly weight?: number | undefined;
  /** Weight of the sum of all parameters' squares. Default 5e-5. */
  readonly squares_weight?: number | undefined;
}

export const slowNeuralSchema = z.strictObject({ weight: rate.optional(), squares_weight: rate.optional() });
