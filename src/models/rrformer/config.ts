// RRFormer's configuration. The official code has no names for most of it (models/arch/default.py DRNet, models/network_uhderrnet.py SwinIR); where it has, these are its.
import { z } from "zod";
import { extentOf, imageSizeField } from "../image-size.ts";

const count = z.int().min(1).max(4096);

/** Sides of the pyramid's averages, in pixels. */
export const PYRAMID = [4, 8, 16, 32] as const;

/** A picture's sides are multiples of it: of the largest average, and of two windows at half the size. */
const stepOf = (window: number) => {
  const [largest] = PYRAMID.slice(-1) as [number];
  let step = largest;
  while (step % (2 * window) !== 0) step += largest;
  return step;
};

export const rrformerSchema = z
  .strictObject({
    /** Of the pictures, or of the tiles that larger ones are cut into. */
    img_size: imageSizeField.default(256),
    /** Whether the network sees maps of a VGG-19 beside red, green and blue. */
    hypercolumn: z.boolean().default(true),
    /** Channels at full size. */
    n_feats: count.multipleOf(4).default(256),
    /** Whether averages of the neighbourhood are mixed in before the last layer. */
    pyramid: z.boolean().default(true),
    /** Channels at half the size, where the transformer is. */
    embed_dim: count.default(240),
    /** Blocks of each of the transformer's groups. */
    depths: z.array(z.int().min(1).max(64)).min(1).max(16).default([6, 6, 6, 6, 6]),
    num_heads: z.array(count).min(1).max(16).default([6, 6, 6, 6, 6]),
    /** Side of a window, at half the picture's size. */
    window_size: z.int().min(2).max(32).multipleOf(2).default(8),
    mlp_ratio: z.number().positive().max(16).default(2),
    drop_path_rate: z.number().min(0).lt(1).default(0.1),
    /**
     * As released: the transformer's result is computed and thrown away, and what follows reads what it read. Its weights have no effect then, and are no part of the
     * model. false: as it was meant.
     */
    bypass_transformer: z.boolean().default(true),
  })
  .superRefine(({ depths, num_heads, embed_dim, img_size, window_size }, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    if (depths.length !== num_heads.length || num_heads.some((heads) => embed_dim % heads !== 0))
      complain("num_heads must divide embed_dim, one entry a group as in depths");
    const step = stepOf(window_size);
    const { height, width } = extentOf(img_size);
    if (height % step !== 0 || width % step !== 0) complain(`img_size must be a multiple of ${step}`);
  });

export type RrformerConfig = z.infer<typeof rrformerSchema>;
