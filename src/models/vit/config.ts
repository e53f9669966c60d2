// The configuration of ViT and DeiT, with timm's names (timm/models/vision_transformer.py VisionTransformer).
import { z } from "zod";
import type { TokenModel } from "../../nn/tokens/system.ts";
import { gridOf, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";
import { timmFields } from "../timm.ts";
import { tokensFault, tokensField } from "../token-reduction.ts";

const count = z.int().min(1).max(16384);

export const vitSchema = z
  .strictObject({
    ...timmFields,
    img_size: imageSizeField.default(224),
    /** Side of a patch in pixels. */
    patch_size: count.default(16),
    embed_dim: count.default(768),
    depth: z.int().min(1).max(256).default(12),
    num_heads: count.default(12),
    mlp_ratio: z.number().positive().max(64).default(4),
    qkv_bias: z.boolean().default(true),
    /** A second token and a second head, trained on a teacher's answers (DeiT); the heads' logits are averaged. */
    distilled: z.boolean().default(false),
    /** Whether the second token has its head; without one it is only among those that attention reads, and the class token alone answers. */
    distilled_head: z.boolean().default(true),
    norm_eps: z.number().positive().max(1).default(1e-6),
    /** What is done with tokens on the way, in the language of nn/tokens/language.ts. Absent: all stay. */
    tokens: tokensField.optional(),
  })
  .refine(({ embed_dim, num_heads }) => embed_dim % num_heads === 0, "num_heads must divide embed_dim")
  .refine(
    ({ img_size, patch_size }) => isReasonableGrid(gridOf(img_size, patch_size)),
    `img_size must have between 1 and ${MAX_PATCHES} patches of patch_size`,
  )
  .superRefine(({ tokens, ...config }, context) => {
    const fault = tokens === undefined ? undefined : tokensFault(tokens, tokenModel(config));
    if (fault !== undefined) context.addIssue({ code: "custom", path: ["tokens"], message: fault });
  });

export type VitConfig = z.infer<typeof vitSchema>;

/** What a reduction of tokens may know of the model. */
export function tokenModel(config: Omit<VitConfig, "tokens">): TokenModel {
  return {
    blocks: config.depth,
    special: prefixTokens(config).length,
    grid: gridOf(config.img_size, config.patch_size),
    width: config.embed_dim,
    heads: config.num_heads,
    layout: "sequence",
  };
}

/** Tokens before those of the patches, in order. */
export function prefixTokens({ distilled }: Pick<VitConfig, "distilled">): readonly string[] {
  return distilled ? ["cls_token", "dist_token"] : ["cls_token"];
}
