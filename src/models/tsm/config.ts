// TSM's configuration, with the official names (mit-han-lab/temporal-shift-module, opts.py and ops/models.py TSN).
import { z } from "zod";
import { backboneNamed, checkBackbone, type NamedBackbone } from "../backbones.ts";
import { SHIFT_PLACES } from "../shifted-backbones.ts";
import { timmFields } from "../timm.ts";

const { crop_pct, interpolation, normalization } = timmFields;

export const tsmSchema = z
  .strictObject({
    /** The backbone: a registered convolutional model, or "mobilenetv2". */
    base_model: z.string().min(1).max(100).default("resnet50"),
    /** Fields that change the backbone's own configuration. */
    backbone: z.record(z.string(), z.unknown()).default({}),
    num_class: z.int().min(1).max(100_000).default(400),
    /** Frames of a clip that the weights were trained with. Any number works. */
    num_segments: z.int().min(1).max(1024).default(8),
    /** False: frames are seen one by one, and only their answers averaged (TSN). */
    is_shift: z.boolean().default(true),
    /** A C / shift_div of the channels comes from the frame after, as many from the frame before. */
    shift_div: z.int().min(2).max(4096).default(8),
    /** Inside residual branches, or before whole blocks. */
    shift_place: z.enum(SHIFT_PLACES).default("blockres"),
    /** Nothing comes from the future, so that frames can be seen as they come. Such weights are trained so. */
    online: z.boolean().default(false),
    consensus: z.literal("avg", "answers of frames are averaged").default("avg"),
    /** Before the last layer, in training. */
    dropout: z.number().min(0).lt(1).default(0.5),
    temporal_pool: z.literal(false, "pooling over frames is not computed here").default(false),
    input_size: z.int().min(1).max(16384).default(224),
    crop_pct: crop_pct.unwrap().default(0.875),
    interpolation: interpolation.unwrap().default("bilinear"),
    normalization,
  })
  .superRefine((config, context) => checkBackbone(backboneOf)(config, context));

export type TsmConfig = z.infer<typeof tsmSchema>;

/** The network that sees frames. Throws UsageError for one that there is not. */
export function backboneOf({ base_model, backbone }: Pick<TsmConfig, "base_model" | "backbone">): NamedBackbone {
  return backboneNamed(base_model, backbone);
}
