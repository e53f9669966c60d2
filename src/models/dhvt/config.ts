// The configuration of DHVT, with the official names (ArieSeirack/DHVT, vision_transformer.py VisionTransformer). Defaults are those of
// dhvt_tiny_imagenet_patch16.
import { z } from "zod";
import { imageSizeField } from "../image-size.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(16384);
const rate = z.number().min(0).lt(1);

export const dhvtSchema = z
  .strictObject({
    num_classes: timmFields.num_classes,
    /** What pictures are brought to. The network has no positions and takes any size. */
    img_size: imageSizeField.default(224),
    /** Side of a patch in pixels: one convolution with a stride of two for every factor of two. */
    patch_size: z.union([z.literal(2), z.literal(4), z.literal(16)], "patch_size must be 2, 4 or 16").default(16),
    embed_dim: count.default(192),
    depth: z.int().min(1).max(256).default(12),
    num_heads: count.default(3),
    mlp_ratio: z.number().positive().max(64).default(4),
    qkv_bias: z.boolean().default(true),
    apply_dhvt: z.literal(true, "a plain ViT is the architecture vit").default(true),
    /** Whether every head has a token of its own. Without, attention is the plain one (ours, for comparisons; the paper's ablation). */
    head_tokens: z.boolean().default(true),
    /** In training: dropout of what attention gives. */
    drop_rate: rate.default(0),
    /** In training: dropout of attention's weights. */
    attn_drop_rate: rate.default(0),
    drop_path_rate: timmFields.drop_path_rate,
    crop_pct: timmFields.crop_pct.unwrap().default(0.875),
    interpolation: timmFields.interpolation,
    normalization: timmFields.normalization,
  })
  .refine(({ embed_dim, num_heads }) => embed_dim % num_heads === 0, "num_heads must divide embed_dim")
  .refine(
    ({ embed_dim, patch_size }) => embed_dim % (patch_size / 2) === 0,
    "embed_dim must be a multiple of half of patch_size",
  )
  .refine(({ embed_dim }) => embed_dim >= 4, "embed_dim must be at least 4");

export type DhvtConfig = z.infer<typeof dhvtSchema>;
