// SpaRTAN's configuration, with the official names (henry-pay/SpaRTAN, src/model/spartan.py SpaRTAN; defaults are those of src/config/model/spartan.yaml).
import { z } from "zod";
import { backboneFields } from "../backbone.ts";

const count = z.int().min(1).max(8192);
const MOST_STAGES = 16;
/** Halved, and then squeezed to a quarter. */
const width = count.refine((channels) => channels % 8 === 0, "widths must be multiples of 8");

export const spartanSchema = z
  .strictObject({
    ...backboneFields,
    input_size: backboneFields.input_size.unwrap().default(256),
    crop_pct: backboneFields.crop_pct.unwrap().default(1),
    interpolation: backboneFields.interpolation.unwrap().default("bilinear"),
    /** Stages. */
    num_layer: count.max(MOST_STAGES).default(4),
    /** Blocks a stage. */
    layer_depths: z.array(count.max(256)).min(1).max(MOST_STAGES).default([3, 3, 12, 2]),
    /** Channels that channels are mixed in over channels outside, by stage. */
    expand_ratios: z.array(z.int().min(2).max(64)).min(1).max(MOST_STAGES).default([4, 4, 2, 2]),
    /** Channels of the first stage. */
    init_dim: width.default(32),
    /** Channels of the other stages. */
    dims: z
      .array(width)
      .max(MOST_STAGES - 1)
      .default([64, 128, 256]),
    /** Share of pictures for which a residual branch is left out in training; rises linearly over the blocks, and the last block is one step below it. */
    dropout: z.number().min(0).lt(1).default(0),
  })
  .refine(
    ({ num_layer: stages, layer_depths, expand_ratios, dims }) =>
      layer_depths.length === stages && expand_ratios.length === stages && dims.length === stages - 1,
    "layer_depths and expand_ratios must be num_layer numbers each, and dims one less",
  );

export type SpartanConfig = z.infer<typeof spartanSchema>;
