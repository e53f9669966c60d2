// The configuration of SAM's image encoder, with the official names (facebookresearch/segment-anything, segment_anything/modeling/image_encoder.py
// ImageEncoderViT; defaults are those of build_sam.py for ViT-B).
import { z } from "zod";
import type { TokenModel } from "../../nn/tokens/system.ts";
import { type Extent, gridOf, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";
import { tokensFault, tokensField } from "../token-reduction.ts";

const count = z.int().min(1).max(16384);

export const samSchema = z
  .strictObject({
    img_size: imageSizeField.default(1024),
    /** Side of a patch in pixels. */
    patch_size: count.default(16),
    embed_dim: count.default(768),
    depth: z.int().min(1).max(256).default(12),
    num_heads: count.default(12),
    mlp_ratio: z.number().positive().max(64).default(4),
    /** Channels of the map that the neck gives. */
    out_chans: count.default(256),
    qkv_bias: z.boolean().default(true),
    /** Whether each place has a learned vector that is added to its patch. */
    use_abs_pos: z.boolean().default(true),
    /** Whether attention knows how far two cells lie apart, down and across. */
    use_rel_pos: z.boolean().default(true),
    /** Side of a window in patches; 0 for attention from all to all in every block. */
    window_size: z.int().min(0).max(64).default(14),
    /** Blocks whose attention is from all to all, counted from 0. */
    global_attn_indexes: z.array(z.int().min(0).max(255)).max(256).default([2, 5, 8, 11]),
    /** Of the blocks' layer normalisations; the neck's is 1e-6. */
    norm_eps: z.number().positive().max(1).default(1e-6),
    /** What is done with tokens on the way, in the language of nn/tokens/language.ts. Absent: all stay. */
    tokens: tokensField.optional(),
  })
  .refine(({ embed_dim, num_heads }) => embed_dim % num_heads === 0, "num_heads must divide embed_dim")
  .refine(
    ({ img_size, patch_size }) => isReasonableGrid(gridOf(img_size, patch_size)),
    `img_size must have between 1 and ${MAX_PATCHES} patches of patch_size`,
  )
  .refine(
    ({ global_attn_indexes, depth }) => global_attn_indexes.every((index) => index < depth),
    "global_attn_indexes must be numbers of blocks, which are counted from 0",
  )
  .superRefine(({ tokens, ...config }, context) => {
    const fault = tokens === undefined ? undefined : tokensFault(tokens, tokenModel(config));
    if (fault !== undefined) context.addIssue({ code: "custom", path: ["tokens"], message: fault });
  });

export type SamConfig = z.infer<typeof samSchema>;

/** What a reduction of tokens may know of the model. */
export function tokenModel(config: Omit<SamConfig, "tokens">): TokenModel {
  const window = windowOf(config);
  return {
    blocks: config.depth,
    special: 0,
    grid: gridOf(config.img_size, config.patch_size),
    width: config.embed_dim,
    heads: config.num_heads,
    layout: "windows",
    windowAt: () => window,
  };
}

/** Rows and columns of a window: of all patches where there are no windows. */
export function windowOf({ window_size: side, img_size, patch_size }: Omit<SamConfig, "tokens">): Extent {
  return side === 0 ? gridOf(img_size, patch_size) : { height: side, width: side };
}
