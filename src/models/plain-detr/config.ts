// Configurations of Plain DETR, with the names of the official program's arguments (impiga/Plain-DETR main.py) and of its backbone's
// (models/swin_transformer_v2.py).
import { z } from "zod";
import { type Extent, extentOf, imageSizeField } from "../image-size.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(16384);
/** The official program's other choices are not there: they do not occur in its models. */
const always = z.literal(true).default(true);

/** Above this a configuration is a mistake, or an attack. */
const MOST_PIXELS = 2 ** 22;

const backboneSchema = z.strictObject({
  /** Width of the first stage; each further one is twice as wide. */
  embed_dim: count.max(1024).default(96),
  /** Blocks a stage. */
  depths: z.array(z.int().min(1).max(256)).length(4).default([2, 2, 18, 2]),
  /** Heads a stage. */
  num_heads: z.array(count).length(4).default([3, 6, 12, 24]),
  /** Side of a window in cells of the stage's map. */
  window_size: z.int().min(2).max(32).default(16),
  /** Sides of the windows that position biases were learnt in, one a stage; 0 for the model's own. */
  pretrained_window_sizes: z.array(z.int().min(0).max(64)).length(4).default([12, 12, 12, 6]),
  /** Blocks of each stage whose window is the whole map. */
  global_blocks: z
    .array(z.array(z.int().min(0).max(255)).max(256))
    .length(4)
    .default([[], [], [], [0, 1]]),
  mlp_ratio: z.number().positive().max(64).default(4),
  drop_path_rate: z.number().min(0).lt(1).default(0.1),
});

export const plainDetrSchema = z
  .strictObject({
    /** (height, width) of pictures. Weights are for all sizes. */
    img_size: imageSizeField.default([800, 1333]),
    num_classes: timmFields.num_classes.unwrap().min(1).default(91),
    normalization: timmFields.normalization,
    backbone: backboneSchema.default(backboneSchema.parse({})),
    /** Pixels from a cell to the next of the map that queries read; the backbone's has 32. */
    upsample_stride: z.literal([4, 8, 16, 32]).default(16),
    hidden_dim: z.int().min(32).max(4096).multipleOf(32).default(256),
    nheads: z.int().min(1).max(64).default(8),
    dec_layers: z.int().min(1).max(64).default(6),
    dim_feedforward: count.default(2048),
    num_queries_one2one: z.int().min(1).max(10_000).default(300),
    /** Queries of which several learn each thing, in training only. */
    num_queries_one2many: z.int().min(0).max(10_000).default(0),
    /** What keys are told of their places: sines of shares of the map, or of cells. */
    position_embedding: z.enum(["sine", "sine_unnorm"]).default("sine"),
    /** What queries are told of places besides: how each lies to their box (BoxRPB), or nothing. */
    decoder_type: z.enum(["global_rpe_decomp", "global_ape"]).default("global_rpe_decomp"),
    decoder_rpe_hidden_dim: count.default(512),
    /** Whether distances to a box's sides are told in pixels or as their logarithm. */
    decoder_rpe_type: z.enum(["linear", "abs_log8"]).default("linear"),
    /** Whether boxes are changes of the boxes before them, in pixels. */
    reparam: z.boolean().default(false),
    /** Maps that proposals are made on, by their strides. */
    proposal_tgt_strides: z
      .array(z.literal([4, 8, 16, 32, 64, 128]))
      .min(1)
      .max(6)
      .default([8, 16, 32, 64]),
    /** With `reparam`: side of the smallest proposals, pixels; those of each further map are twice as large. */
    proposal_min_size: z.number().positive().max(10_000).default(50),
    norm_type: z.literal("pre_norm").default("pre_norm"),
    with_box_refine: always,
    two_stage: always,
    mixed_selection: always,
    look_forward_twice: always,
  })
  .superRefine((config, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    const { backbone, hidden_dim, nheads, decoder_type, reparam, num_queries_one2one, num_queries_one2many } = config;
    if (!backbone.num_heads.every((heads, i) => (backbone.embed_dim * 2 ** i) % heads === 0))
      complain("backbone.num_heads must divide the width of each stage");
    if (hidden_dim % nheads !== 0) complain("nheads must divide hidden_dim");
    if (decoder_type === "global_ape" && reparam) complain("reparam needs the decoder_type global_rpe_decomp");
    const { height, width } = extentOf(config.img_size);
    if (Math.min(height, width) < 32 || height * width > MOST_PIXELS)
      complain(`img_size must be at least 32 pixels each way, and ${MOST_PIXELS} pixels at most`);
    else if (num_queries_one2one + num_queries_one2many > proposalCount(config))
      complain(`img_size leaves ${proposalCount(config)} proposals, fewer than there are queries`);
  });

export type PlainDetrConfig = z.infer<typeof plainDetrSchema>;

/** A map's size in cells, and how many pixels a cell has. */
export interface MapGeometry extends Extent {
  readonly stride: number;
}

type Sizes = Pick<PlainDetrConfig, "img_size" | "upsample_stride" | "proposal_tgt_strides">;

/** The map that queries read: the backbone's last, whose odd rows and columns were filled up, upsampled. */
export function memoryMap({ img_size, upsample_stride }: Omit<Sizes, "proposal_tgt_strides">): MapGeometry {
  const { height, width } = extentOf(img_size);
  const times = 32 / upsample_stride;
  const cells = (side: number) => Math.ceil(side / 32) * times;
  return { height: cells(height), width: cells(width), stride: upsample_stride };
}

/** The maps that proposals are made on. Smaller ones are made by convolutions that leave incomplete cells out. */
export function proposalMaps(config: Sizes): MapGeometry[] {
  const memory = memoryMap(config);
  return config.proposal_tgt_strides.map((stride) => {
    let [height, width] = [memory.height, memory.width];
    for (let at = memory.stride; at > stride; at /= 2) [height, width] = [2 * height, 2 * width];
    for (let at = memory.stride; at < stride; at *= 2)
      [height, width] = [Math.floor(height / 2), Math.floor(width / 2)];
    return { height, width, stride };
  });
}

function proposalCount(config: Sizes): number {
  return proposalMaps(config).reduce((sum, { height, width }) => sum + height * width, 0);
}
