// ViT and DeiT as the registry sees them: official weights, other picture sizes, preprocessing.
import type { TensorData } from "../../tensor.ts";
import type { Architecture, NamedTensors } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, gridOf, imageSizeOf } from "../image-size.ts";
import { resamplePositions } from "../positions.ts";
import { timmTransform } from "../timm.ts";
import { withTokens } from "../token-reduction.ts";
import { prefixTokens, tokenModel, type VitConfig, vitSchema } from "./config.ts";
import { vit } from "./model.ts";

const NAME = "vit";

export const vitArchitecture: Architecture<VitConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2010.11929, https://arxiv.org/abs/2012.12877",
  parseConfig: (json) => checkConfig(vitSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(vitSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  reduceTokens: (config, tokens) => withTokens(config, tokens, tokenModel(config)),
  build: vit,
  adoptWeights: adoptVitWeights,
  isMadeFor: (tensors, config) =>
    tensors.get("pos_embed")?.shape.join() === [1, positionCount(config), config.embed_dim].join() &&
    tensors.has("dist_token") === config.distilled &&
    tensors.has(`blocks.${config.depth - 1}.norm1.weight`),
  classesField: "num_classes",
  transform: (config) => timmTransform({ ...config, size: config.img_size }),
  answers: () => "classes",
};

function positionCount(config: VitConfig): number {
  const { height, width } = gridOf(config.img_size, config.patch_size);
  return prefixTokens(config).length + height * width;
}

/**
 * timm's names, which the official DeiT and DynamicViT have too. Positions are resampled to the configured size; a first layer that is a matrix becomes a
 * convolution. IA-RED2's files have every block twice, among all and among its group's.
 */
function adoptVitWeights(tensors: NamedTensors, config: VitConfig): NamedTensors {
  const { embed_dim, img_size, patch_size } = config;
  return new Map(
    [...tensors]
      .filter(([name]) => !IN_A_GROUP.test(name))
      .map(([name, value]): [string, TensorData] => {
        if (name === "pos_embed")
          return [name, resamplePositions(value, prefixTokens(config).length, gridOf(img_size, patch_size))];
        const matrix = [embed_dim, 3 * patch_size * patch_size];
        if (name === "patch_embed.proj.weight" && value.shape.join() === matrix.join())
          return [name, { ...value, shape: [embed_dim, 3, patch_size, patch_size] }];
        return [name, value];
      }),
  );
}

const IN_A_GROUP = /^groups\.\d+\.block_list\./;
