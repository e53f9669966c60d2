// GLSim's configuration, with the official names (arkel23/GLSim, glsim/model_utils/configs.py ViTConfig), of the form that was released: one crop, whose place the cosine
// similarity decides, and an aggregator over the two class tokens.
import { z } from "zod";
import { gridOf, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";

const count = z.int().min(1).max(16384);

export const glsimSchema = z
  .strictObject({
    num_classes: z.int().min(1).max(100_000).default(200),
    /** Side of the picture in pixels, and of the crop once it is enlarged. */
    image_size: z.int().min(1).max(4096).default(224),
    /** Side of a patch in pixels. */
    patch_size: count.default(16),
    hidden_size: count.default(768),
    /** Inner width of the encoder's perceptrons. The aggregator's is four times the hidden size. */
    intermediate_size: count.default(3072),
    num_hidden_layers: z.int().min(1).max(256).default(12),
    num_attention_heads: count.default(12),
    layer_norm_eps: z.number().positive().max(1).default(1e-12),
    /** How many patches, those most similar to the class token, the crop is drawn around. */
    dynamic_top: count.default(8),
    aggregator_num_hidden_layers: z.int().min(1).max(64).default(1),
    /** Dropout behind attention and perceptrons, in training. */
    hidden_dropout_prob: z.number().min(0).lt(1).default(0.1),
    /** Share of pictures for which a residual branch is left out in training, the same in all layers. */
    sd: z.number().min(0).lt(1).default(0),
  })
  .refine(
    ({ hidden_size, num_attention_heads }) => hidden_size % num_attention_heads === 0,
    "num_attention_heads must divide hidden_size",
  )
  .refine(
    ({ image_size, patch_size }) => isReasonableGrid(gridOf(image_size, patch_size)),
    `image_size must have between 1 and ${MAX_PATCHES} patches of patch_size`,
  )
  .refine(({ image_size, patch_size }) => image_size % patch_size === 0, "patch_size must divide image_size")
  .refine(
    ({ image_size, patch_size, dynamic_top }) => dynamic_top <= (image_size / patch_size) ** 2,
    "dynamic_top must not be more than there are patches",
  );

export type GlsimConfig = z.infer<typeof glsimSchema>;
