// MobileNetV2 (Sandler et al., CVPR 2018): inverted residuals. Reproduces huggingface/pytorch-image-models, timm/models/efficientnet.py
// (_gen_mobilenet_v2); torchvision's network is the same.
import { reduceMean, relu6 } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { divisibleChannels, invertedResidual } from "../../nn/inverted-residual.ts";
import { fanOutLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import type { Mobilenetv2Config } from "./config.ts";

interface StageDefinition {
  readonly repeats: number;
  readonly stride: number;
  /** Times the block's input; "none" for a depthwise separable convolution. */
  readonly expansion: 6 | "none";
  readonly channels: number;
}

/** Table 2 of the paper. */
const STAGES: readonly StageDefinition[] = [
  { repeats: 1, stride: 1, expansion: "none", channels: 16 },
  { repeats: 2, stride: 2, expansion: 6, channels: 24 },
  { repeats: 3, stride: 2, expansion: 6, channels: 32 },
  { repeats: 4, stride: 2, expansion: 6, channels: 64 },
  { repeats: 3, stride: 1, expansion: 6, channels: 96 },
  { repeats: 3, stride: 2, expansion: 6, channels: 160 },
  { repeats: 1, stride: 1, expansion: 6, channels: 320 },
];

/** Blocks a stage. */
export const MOBILENETV2_DEPTHS: readonly number[] = STAGES.map(({ repeats }) => repeats);

const STEM_CHANNELS = 32;
const LAST_CHANNELS = 1280;

/** image (N, 3, H, W) -> (N, 1280, H/32, W/32); more channels for multipliers above 1. */
export function mobilenetv2FeatureMap(
  scope: Scope,
  image: Tensor,
  config: Mobilenetv2Config,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  const scaled = (channels: number) => divisibleChannels(channels * config.channel_multiplier);
  const stem = conv2d(scope.at("conv_stem"), image, scaled(STEM_CHANNELS), 3, { stride: 2 });
  let x = relu6(batchNorm(scope.at("bn1"), stem, mode)); // (N, 32, H/2, W/2)
  const total = MOBILENETV2_DEPTHS.reduce((sum, depth) => sum + depth, 0);
  let done = 0;
  STAGES.forEach(({ repeats, stride, expansion, channels }, stage) => {
    for (let index = 0; index < repeats; index++) {
      const { block: read, branch } = inputsAt(inputs, { index, depths: MOBILENETV2_DEPTHS });
      x = invertedResidual(scope.at("blocks", stage, index), read(x), {
        mode,
        branch,
        expanded: expansion === "none" ? undefined : divisibleChannels(channelsOf(x) * expansion),
        channels: scaled(channels),
        kernel: 3,
        stride: index === 0 ? stride : 1,
        activation: relu6,
        squeeze: undefined,
        dropPath: (config.drop_path_rate * done++) / total,
      });
    }
    scope.layer(`stage.${stage + 1}`, x);
  });
  const last = conv2d(scope.at("conv_head"), x, Math.max(LAST_CHANNELS, scaled(LAST_CHANNELS)), 1);
  return relu6(batchNorm(scope.at("bn2"), last, mode));
}

export const mobilenetv2Backbone: Backbone<Mobilenetv2Config> = {
  featureMap: mobilenetv2FeatureMap,
  pool: (_scope, map) => reduceMean(map, [2, 3]),
  classify: (scope, features, { num_classes }) => fanOutLinear(scope.at("classifier"), features, num_classes),
  lastLayer: "classifier",
};
