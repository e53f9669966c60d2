// MobileNetV2's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/efficientnet.py _gen_mobilenet_v2).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";
import { timmFields } from "../timm.ts";

export const mobilenetv2Schema = z.strictObject({
  ...backboneFields,
  /** Multiplies the width of every block; results are rounded to multiples of eight. */
  channel_multiplier: z.number().min(0.05).max(10).default(1),
  drop_path_rate: timmFields.drop_path_rate,
});

export type Mobilenetv2Config = z.infer<typeof mobilenetv2Schema>;
