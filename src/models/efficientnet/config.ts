// EfficientNet's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/efficientnet.py _gen_efficientnet).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";
import { timmFields } from "../timm.ts";

export const efficientnetSchema = z.strictObject({
  ...backboneFields,
  /** Multiplies the width of every block; results are rounded to multiples of eight. */
  channel_multiplier: z.number().min(0.05).max(10).default(1),
  /** Multiplies the number of blocks of every stage; results are rounded up. */
  depth_multiplier: z.number().min(0.05).max(10).default(1),
  drop_path_rate: timmFields.drop_path_rate,
});

export type EfficientnetConfig = z.infer<typeof efficientnetSchema>;
