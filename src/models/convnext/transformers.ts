// ConvNeXt of huggingface/transformers (models/convnext/modeling_convnext.py) as our `convnext`.
import { z } from "zod";
import { type RenameRule, remap } from "../../weights/remap.ts";
import { type TransformersFamily, transformersFields } from "../transformers.ts";

const { num_channels, gelu, image_size, sizes } = transformersFields;

const fields = z.looseObject({
  num_channels,
  hidden_act: gelu,
  patch_size: z.literal(4, "only patches of 4 pixels are computed here").default(4),
  image_size: image_size.default(224),
  hidden_sizes: sizes.default([96, 192, 384, 768]),
  depths: sizes.default([3, 3, 9, 3]),
  layer_scale_init_value: z.number().default(1e-6),
  layer_norm_eps: z.number().default(1e-12),
});

/** To the official repository's names, which our own loading knows. */
const NAMES: readonly (readonly RenameRule[])[] = [
  [
    { pattern: /^convnext\.embeddings\.patch_embeddings\./, to: "downsample_layers.0.0." },
    { pattern: /^convnext\.embeddings\.layernorm\./, to: "downsample_layers.0.1." },
    { pattern: /^convnext\.encoder\.stages\.(\d+)\.downsampling_layer\./, to: "downsample_layers.$1." },
    { pattern: /^convnext\.encoder\.stages\.(\d+)\.layers\./, to: "stages.$1." },
    { pattern: /^convnext\.layernorm\./, to: "norm." },
    { pattern: /^classifier\./, to: "head." },
  ],
  [
    { pattern: /\.layer_scale_parameter$/, to: ".gamma" },
    { pattern: /\.layernorm\./, to: ".norm." },
  ],
];

export const transformersConvnext: TransformersFamily = {
  modelType: "convnext",
  architecture: "convnext",
  classifiers: ["ConvNextForImageClassification"],
  processor: "ConvNext",
  toConfig(json) {
    const { hidden_sizes, depths, layer_scale_init_value, layer_norm_eps } = fields.parse(json);
    return {
      dims: hidden_sizes,
      depths,
      // Not above zero there means that there is no scale.
      ls_init_value: layer_scale_init_value > 0 ? layer_scale_init_value : null,
      head_norm_eps: layer_norm_eps,
    };
  },
  adoptNames: (tensors) => remap(tensors, NAMES),
};
