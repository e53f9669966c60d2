// The Swin family as the registry sees it: official weights, other picture sizes, preprocessing.
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { distancesOf } from "../../nn/cosine-attention.ts";
import type { Mode } from "../../nn/mode.ts";
import { toFloat64 } from "../../tensor.ts";
import type { Architecture, NamedTensors } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { timmTransform } from "../timm.ts";
import { withTokens } from "../token-reduction.ts";
import { swin } from "./attention.ts";
import {
  type FamilyConfig,
  type SwinConfig,
  type SwinMlpConfig,
  type Swinv2Config,
  stageGeometry,
  swinMlpSchema,
  swinSchema,
  swinv2Schema,
  tokenModel,
} from "./config.ts";
import { CLASSES_22K } from "./imagenet-22k.ts";
import { swinMlp } from "./mlp.ts";
import { swinv2 } from "./v2.ts";
import { adoptSwinWeights } from "./weights.ts";

interface Member<Config> {
  readonly name: string;
  readonly paper: string;
  readonly parseConfig: (json: unknown) => Config;
  readonly network: (scope: Scope, image: Tensor, config: Config, mode: Mode) => Readonly<Record<string, Tensor>>;
  /** Whether the first block of a stage has the windows that the configuration says, as far as its tensors tell. */
  readonly hasWindows: (tensors: NamedTensors, config: Config) => boolean;
}

function member<Config extends FamilyConfig>(of: Member<Config>): Architecture<Config> {
  const { name, parseConfig, network, hasWindows } = of;
  return {
    name,
    paper: of.paper,
    parseConfig,
    input: ({ img_size }) => fixedInput(img_size),
    atSize: (config, extent) => parseConfig({ ...config, img_size: imageSizeOf(extent) }),
    build(scope, image, config, mode) {
      requireImageSize(image, config.img_size, name);
      return network(scope, image, config, mode);
    },
    adoptWeights: adoptSwinWeights,
    isMadeFor: (tensors, config) =>
      tensors.get("patch_embed.norm.weight")?.shape[0] === config.embed_dim &&
      hasWindows(tensors, config) &&
      (headRows(tensors) === CLASSES_22K) === (config.num_classes === CLASSES_22K) &&
      config.depths.every((depth, stage) => tensors.has(`layers.${stage}.blocks.${depth - 1}.norm1.weight`)),
    classesField: "num_classes",
    transform: (config) => timmTransform({ ...config, size: config.img_size }),
    answers: () => "classes",
  };
}

/** Classes of a file, whether its names are official or timm's. */
function headRows(tensors: NamedTensors): number | undefined {
  return (tensors.get("head.weight") ?? tensors.get("head.fc.weight"))?.shape[0];
}

export const swinArchitecture: Architecture<SwinConfig> = {
  ...member<SwinConfig>({
    name: "swin",
    paper: "https://arxiv.org/abs/2103.14030",
    parseConfig: (json) => checkConfig(swinSchema, "swin", json),
    network: swin,
    hasWindows: (tensors, config) =>
      stageGeometry(config).every(({ window, heads }, stage) => {
        const table = tensors.get(`layers.${stage}.blocks.0.attn.relative_position_bias_table`);
        return table?.shape.join() === [(2 * window.height - 1) * (2 * window.width - 1), heads].join();
      }),
  }),
  reduceTokens: (config, tokens) => withTokens(config, tokens, tokenModel(config)),
};

export const swinv2Architecture: Architecture<Swinv2Config> = {
  ...member<Swinv2Config>({
    name: "swinv2",
    paper: "https://arxiv.org/abs/2111.09883",
    parseConfig: (json) => checkConfig(swinv2Schema, "swinv2", json),
    network: swinv2,
    hasWindows: (tensors, config) =>
      stageGeometry(config).every(({ window, heads }, stage) => {
        const attention = `layers.${stage}.blocks.0.attn`;
        if (tensors.get(`${attention}.logit_scale`)?.shape[0] !== heads) return false;
        // Parameters fit windows of any size. The distances that official files store besides say what they were learnt in.
        const stored = tensors.get(`${attention}.relative_coords_table`);
        if (stored === undefined) return true;
        const [furthest] = distancesOf({ window, learned: window }, config.pretrained_window_sizes?.[stage] ?? 0);
        return (
          stored.shape.join() === [1, 2 * window.height - 1, 2 * window.width - 1, 2].join() &&
          Math.abs(toFloat64(stored)[0]! - furthest!) < 1e-3
        );
      }),
  }),
  reduceTokens: (config, tokens) => withTokens(config, tokens, tokenModel(config)),
};

export const swinMlpArchitecture: Architecture<SwinMlpConfig> = member<SwinMlpConfig>({
  name: "swin_mlp",
  paper: "https://arxiv.org/abs/2103.14030",
  parseConfig: (json) => checkConfig(swinMlpSchema, "swin_mlp", json),
  network: swinMlp,
  hasWindows: (tensors, config) =>
    stageGeometry(config).every(({ window, heads }, stage) => {
      const area = window.height * window.width;
      return (
        tensors.get(`layers.${stage}.blocks.0.spatial_mlp.weight`)?.shape.join() === [heads * area, area, 1].join()
      );
    }),
});
