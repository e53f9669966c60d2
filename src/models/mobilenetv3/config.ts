// MobileNetV3's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/mobilenetv3.py _gen_mobilenet_v3).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";
import { timmFields } from "../timm.ts";

export const mobilenetv3Schema = z.strictObject({
  ...backboneFields,
  variant: z.enum(["large", "small"]).default("large"),
  /** Multiplies the width of every block; results are rounded to multiples of eight. */
  channel_multiplier: z.number().min(0.05).max(10).default(1),
  drop_path_rate: timmFields.drop_path_rate,
});

export type Mobilenetv3Config = z.infer<typeof mobilenetv3Schema>;
