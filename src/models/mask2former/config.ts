// The configuration of Mask2Former: its head with the names of the official one's parts (facebookresearch/Mask2Former, mask2former/config.py and
// configs/coco/panoptic-segmentation), its backbone with those of Swin (mask2former/modeling/backbone/swin.py), and ECO's gate.
import { z } from "zod";
import { gridOf, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(16384);
const depth = z.int().min(1).max(64);

const backbone = z
  .strictObject({
    /** Width of the first stage; each further one is twice as wide. */
    embed_dim: count.max(1024).default(96),
    /** Blocks of the four stages. */
    depths: z.array(z.int().min(1).max(256)).length(4).default([2, 2, 6, 2]),
    num_heads: z.array(count).length(4).default([3, 6, 12, 24]),
    /** Side of a window in cells. */
    window_size: z.int().min(1).max(32).default(7),
    mlp_ratio: z.number().positive().max(64).default(4),
    drop_path_rate: z.number().min(0).lt(1).default(0.3),
  })
  .refine(
    ({ embed_dim, num_heads }) => num_heads.every((heads, i) => (embed_dim * 2 ** i) % heads === 0),
    "num_heads must divide the width of each stage",
  );

/** Of the group normalisations. */
export const GROUPS = 32;

/** What is behind the backbone. */
const headFields = {
  num_classes: timmFields.num_classes.default(133),
  /** Of the tokens that the encoder reads and writes, and of the queries. */
  conv_dim: count.multipleOf(GROUPS).default(256),
  /** Channels of the map whose products with the queries are the masks. */
  mask_dim: count.default(256),
  /** Heads of all attention. */
  nheads: count.default(8),
  /** Points that a head of deformable attention reads of each map. */
  points: z.int().min(1).max(64).default(4),
  encoder_layers: depth.default(6),
  encoder_ffn: count.default(1024),
  num_queries: count.default(100),
  decoder_layers: depth.default(9),
  decoder_ffn: count.default(2048),
} as const;

/** Encoder layers that are always run where a gate decides. */
export const FIRST_EXIT = 2;

export const mask2formerSchema = z
  .strictObject({
    img_size: imageSizeField.default(640),
    backbone: backbone.prefault({}),
    ...headFields,
    /**
     * Whether a gate looks at the coarsest map and says, picture by picture, how many encoder layers are run, from 2 on (ECO-M2F). Absent: all of them are.
     */
    gate: z.boolean().optional(),
    /** So many encoder layers are run, whatever a gate says. Absent: as many as the gate says, or all. */
    exit: depth.optional(),
    /** Classes of what can be counted, by their index; the others are stuff. Absent: all are things. */
    things: z.array(z.int().min(0).max(99_999)).max(100_000).optional(),
    crop_pct: timmFields.crop_pct.default(1),
    interpolation: timmFields.interpolation.default("bilinear"),
    /** Mean and deviation by their name in the transform language. */
    normalization: timmFields.normalization,
  })
  .superRefine(({ conv_dim, nheads, encoder_layers, exit, gate, things, num_classes, img_size }, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    if (conv_dim % nheads !== 0) complain("nheads must divide conv_dim");
    if (exit !== undefined && exit > encoder_layers) complain("exit must be at most encoder_layers");
    if (gate === true && encoder_layers <= FIRST_EXIT) complain(`a gate needs more than ${FIRST_EXIT} encoder_layers`);
    if (things?.some((index) => index >= num_classes)) complain("things must be below num_classes");
    const grid = gridOf(img_size, 4);
    if (!isReasonableGrid(grid) || Math.min(grid.height, grid.width) < 8)
      complain(`img_size must be at least 32 and have at most ${MAX_PATCHES} patches of 4 pixels`);
  });

export type Mask2formerConfig = z.infer<typeof mask2formerSchema>;

/** What the head must know. */
export type HeadConfig = Pick<Mask2formerConfig, keyof typeof headFields | "gate" | "exit">;

/** How many encoder layers may be all there are for a picture. */
export function exitsOf({ encoder_layers, gate, exit }: HeadConfig): number[] {
  if (exit !== undefined) return [exit];
  if (gate !== true) return [encoder_layers];
  return Array.from({ length: encoder_layers - FIRST_EXIT + 1 }, (_, i) => FIRST_EXIT + i);
}
