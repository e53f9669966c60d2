// DenseNet's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/densenet.py DenseNet).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";

const count = z.int().min(1).max(4096);

export const densenetSchema = z.strictObject({
  ...backboneFields,
  /** Channels that each layer adds. */
  growth_rate: count.default(32),
  /** Layers a block. */
  block_config: z.array(count).min(1).max(8).default([6, 12, 24, 16]),
  /** Channels before a layer's 3 x 3 convolution, in growth rates. */
  bn_size: count.default(4),
  /** Dropout after every layer, in training. */
  proj_drop_rate: z.number().min(0).lt(1).default(0),
});

export type DensenetConfig = z.infer<typeof densenetSchema>;
