// ResNet's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/resnet.py ResNet).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(4096);

export const resnetSchema = z
  .strictObject({
    ...backboneFields,
    /** Two 3 x 3 convolutions, or 1 x 1, 3 x 3 and 1 x 1 with four times the channels at the end. */
    block: z.enum(["BasicBlock", "Bottleneck"]).default("Bottleneck"),
    /** Blocks a stage. */
    layers: z.array(count).min(1).max(8).default([3, 4, 6, 3]),
    /** Channels of the first convolution; 64 in every official model. */
    stem_channels: count.default(64),
    /** Inner channels a stage; as many stages as `layers` has. */
    channels: z.array(count).min(1).max(8).default([64, 128, 256, 512]),
    drop_path_rate: timmFields.drop_path_rate,
    /** Blocks begin as the identity. */
    zero_init_last: z.boolean().default(true),
  })
  .refine(({ layers, channels }) => layers.length === channels.length, "layers and channels must be equally many");

export type ResnetConfig = z.infer<typeof resnetSchema>;
