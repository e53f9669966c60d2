// ConvNeXt's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/convnext.py ConvNeXt), and the isotropic one's, with the official names
// (facebookresearch/ConvNeXt, models/convnext_isotropic.py ConvNeXtIsotropic).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(8192);

export const convnextSchema = z
  .strictObject({
    ...backboneFields,
    /** Blocks a stage. */
    depths: z.array(count).min(1).max(8).default([3, 3, 9, 3]),
    /** Channels a stage. */
    dims: z.array(count).min(1).max(8).default([96, 192, 384, 768]),
    /** The layers of a block's perceptron are kept as 1 x 1 convolutions. What they compute is the same. */
    conv_mlp: z.boolean().default(false),
    /** What the residuals' scales start at; null for none. Weights that have scales have them multiplied into the layers before. */
    ls_init_value: z.number().nullable().default(1e-6),
    /** Of the last normalisation; all others have 1e-6. */
    head_norm_eps: z.number().positive().max(1).default(1e-6),
    drop_path_rate: timmFields.drop_path_rate,
  })
  .refine(({ depths, dims }) => depths.length === dims.length, "depths and dims must be equally many");

export type ConvnextConfig = z.infer<typeof convnextSchema>;

export const isotropicSchema = z.strictObject({
  ...backboneFields,
  /** Blocks, all of one size. */
  depth: count.max(256).default(18),
  /** Channels. */
  dim: count.default(384),
  /** What the residuals' scales start at; 0 for none, as in all released models. Weights that have scales have them multiplied into the layers before. */
  layer_scale_init_value: z.number().min(0).max(10).default(0),
  drop_path_rate: timmFields.drop_path_rate,
});

export type IsotropicConfig = z.infer<typeof isotropicSchema>;
