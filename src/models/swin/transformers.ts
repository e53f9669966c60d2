// Swin of huggingface/transformers (models/swin/modeling_swin.py) as our `swin`.
import { z } from "zod";
import { type RenameRule, remap } from "../../weights/remap.ts";
import { joinProjections, type TransformersFamily, transformersFields } from "../transformers.ts";

const { num_channels, gelu, image_size, patch_size, sizes } = transformersFields;

const fields = z
  .looseObject({
    num_channels,
    hidden_act: gelu,
    image_size: image_size.default(224),
    patch_size: patch_size.default(4),
    embed_dim: z.int().default(96),
    depths: sizes.default([2, 2, 6, 2]),
    num_heads: sizes.default([3, 6, 12, 24]),
    window_size: z.int().default(7),
    mlp_ratio: z.number().default(4),
    qkv_bias: z.boolean().default(true),
    layer_norm_eps: z.literal(1e-5, "only 1e-5 is computed here").default(1e-5),
    use_absolute_embeddings: z.literal(false, "positions of patches are not computed here").default(false),
  })
  .refine(
    ({ image_size: size, patch_size: patch }) => [size].flat().every((side) => side % patch === 0),
    "image_size must be a multiple of patch_size",
  );

/** To the official repository's names, which our own loading knows. */
const NAMES: readonly (readonly RenameRule[])[] = [
  [
    { pattern: /^swin\.embeddings\.patch_embeddings\.projection\./, to: "patch_embed.proj." },
    { pattern: /^swin\.embeddings\.norm\./, to: "patch_embed.norm." },
    { pattern: /^swin\.encoder\.layers\./, to: "layers." },
    { pattern: /^swin\.layernorm\./, to: "norm." },
    { pattern: /^classifier\./, to: "head." },
  ],
  [
    { pattern: /\.attention\.self\./, to: ".attn." },
    { pattern: /\.attention\.output\.dense\./, to: ".attn.proj." },
    { pattern: /\.intermediate\.dense\./, to: ".mlp.fc1." },
    { pattern: /\.output\.dense\./, to: ".mlp.fc2." },
    { pattern: /\.layernorm_before\./, to: ".norm1." },
    { pattern: /\.layernorm_after\./, to: ".norm2." },
  ],
];

export const transformersSwin: TransformersFamily = {
  modelType: "swin",
  architecture: "swin",
  classifiers: ["SwinForImageClassification"],
  processor: "ViT",
  toConfig(json) {
    const config = fields.parse(json);
    const { embed_dim, depths, num_heads, window_size, mlp_ratio, qkv_bias } = config;
    const { image_size: img_size, patch_size: patch } = config;
    return { img_size, patch_size: patch, embed_dim, depths, num_heads, window_size, mlp_ratio, qkv_bias };
  },
  adoptNames: (tensors) => joinProjections(remap(tensors, NAMES)),
};
