// Swin as the registry sees it: official weights, other picture sizes, preprocessing.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { timmTransform } from "../timm.ts";
import { withTokens } from "../token-reduction.ts";
import { type SwinConfig, stageGeometry, swinSchema, tokenModel } from "./config.ts";
import { swin } from "./model.ts";
import { adoptSwinWeights } from "./weights.ts";

const NAME = "swin";

export const swinArchitecture: Architecture<SwinConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2103.14030",
  parseConfig: (json) => checkConfig(swinSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(swinSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  reduceTokens: (config, tokens) => withTokens(config, tokens, tokenModel(config)),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return swin(scope, image, config, mode);
  },
  adoptWeights: adoptSwinWeights,
  isMadeFor: (tensors, config) =>
    tensors.get("patch_embed.norm.weight")?.shape[0] === config.embed_dim &&
    stageGeometry(config).every(({ window, heads }, stage) => {
      const table = tensors.get(`layers.${stage}.blocks.0.attn.relative_position_bias_table`);
      return table?.shape.join() === [(2 * window.height - 1) * (2 * window.width - 1), heads].join();
    }) &&
    config.depths.every((depth, stage) => tensors.has(`layers.${stage}.blocks.${depth - 1}.norm1.weight`)),
  classesField: "num_classes",
  transform: (config) => timmTransform({ ...config, size: config.img_size }),
  answers: () => "classes",
};
