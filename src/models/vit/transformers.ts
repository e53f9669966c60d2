// ViT and DeiT of huggingface/transformers (models/vit/modeling_vit.py, models/deit/modeling_deit.py) as our `vit`.
import { z } from "zod";
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import { joinProjections, ratioOf, type TransformersFamily, transformersFields } from "../transformers.ts";

const { num_channels, gelu, image_size, patch_size } = transformersFields;

const fields = z.looseObject({
  num_channels,
  hidden_act: gelu,
  image_size: image_size.default(224),
  patch_size: patch_size.default(16),
  hidden_size: z.int().default(768),
  num_hidden_layers: z.int().default(12),
  num_attention_heads: z.int().default(12),
  intermediate_size: z.int().default(3072),
  qkv_bias: z.boolean().default(true),
  layer_norm_eps: z.number().default(1e-12),
});

function toConfig(json: unknown) {
  const config = fields.parse(json);
  return {
    img_size: config.image_size,
    patch_size: config.patch_size,
    embed_dim: config.hidden_size,
    depth: config.num_hidden_layers,
    num_heads: config.num_attention_heads,
    mlp_ratio: ratioOf(config.intermediate_size, config.hidden_size),
    qkv_bias: config.qkv_bias,
    norm_eps: config.layer_norm_eps,
  };
}

const NAMES: readonly (readonly RenameRule[])[] = [
  [
    { pattern: /^(?:vit|deit)\.embeddings\.patch_embeddings\.projection\./, to: "patch_embed.proj." },
    { pattern: /^(?:vit|deit)\.embeddings\.position_embeddings$/, to: "pos_embed" },
    { pattern: /^(?:vit|deit)\.embeddings\.distillation_token$/, to: "dist_token" },
    { pattern: /^(?:vit|deit)\.embeddings\.cls_token$/, to: "cls_token" },
    { pattern: /^(?:vit|deit)\.encoder\.layer\.(\d+)\./, to: "blocks.$1." },
    { pattern: /^(?:vit|deit)\.layernorm\./, to: "norm." },
    { pattern: /^(?:cls_)?classifier\./, to: "head." },
    { pattern: /^distillation_classifier\./, to: "head_dist." },
  ],
  [
    { pattern: /\.attention\.attention\./, to: ".attn." },
    { pattern: /\.attention\.output\.dense\./, to: ".attn.proj." },
    { pattern: /\.intermediate\.dense\./, to: ".mlp.fc1." },
    { pattern: /\.output\.dense\./, to: ".mlp.fc2." },
    { pattern: /\.layernorm_before\./, to: ".norm1." },
    { pattern: /\.layernorm_after\./, to: ".norm2." },
  ],
];

const adoptNames = (tensors: NamedTensors) => joinProjections(remap(tensors, NAMES));

export const transformersVit: TransformersFamily = {
  modelType: "vit",
  architecture: "vit",
  classifiers: ["ViTForImageClassification"],
  processor: "ViT",
  toConfig,
  adoptNames,
};

/** All of its DeiTs have the second token; the official ones without are ViTs there. */
export const transformersDeit: TransformersFamily = {
  modelType: "deit",
  architecture: "vit",
  classifiers: ["DeiTForImageClassification", "DeiTForImageClassificationWithTeacher"],
  processor: "DeiT",
  toConfig: (json, classifier) => ({
    ...toConfig(json),
    distilled: true,
    distilled_head: classifier === "DeiTForImageClassificationWithTeacher",
  }),
  adoptNames,
};
