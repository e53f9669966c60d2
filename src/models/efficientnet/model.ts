// EfficientNet (Tan and Le, ICML 2019): width and depth grow together. Reproduces huggingface/pytorch-image-models,
// timm/models/efficientnet.py, the models without `tf_`: padding is symmetric. GFNet's encoders (blackfeather-wang/GFNet-Pytorch,
// models/gen_efficientnet.py) are the same.
import { reduceMean, sigmoid, silu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { divisibleChannels, invertedResidual } from "../../nn/inverted-residual.ts";
import { fanOutLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import type { EfficientnetConfig } from "./config.ts";

interface StageDefinition {
  readonly repeats: number;
  readonly kernel: number;
  readonly stride: number;
  /** Times the block's input; "none" for a depthwise separable convolution. */
  readonly expansion: number | "none";
  readonly channels: number;
}

/** Table 1 of the paper. */
const STAGES: readonly StageDefinition[] = [
  { repeats: 1, kernel: 3, stride: 1, expansion: "none", channels: 16 },
  { repeats: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { repeats: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
  { repeats: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
  { repeats: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
  { repeats: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
  { repeats: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
];

const STEM_CHANNELS = 32;
const LAST_CHANNELS = 1280;

/** image (N, 3, H, W) -> (N, 1280 times the multiplier, H/32, W/32). */
export function efficientnetFeatureMap(
  scope: Scope,
  image: Tensor,
  config: EfficientnetConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  const scaled = (channels: number) => divisibleChannels(channels * config.channel_multiplier);
  const depths = STAGES.map(({ repeats }) => Math.ceil(repeats * config.depth_multiplier));
  const total = depths.reduce((sum, depth) => sum + depth, 0);
  const stem = conv2d(scope.at("conv_stem"), image, scaled(STEM_CHANNELS), 3, { stride: 2 });
  let x = silu(batchNorm(scope.at("bn1"), stem, mode)); // (N, 32, H/2, W/2)
  let done = 0;
  STAGES.forEach(({ kernel, stride, expansion, channels }, stage) => {
    for (let index = 0; index < depths[stage]!; index++) {
      const before = channelsOf(x);
      const { block: read, branch } = inputsAt(inputs, { index, depths });
      x = invertedResidual(scope.at("blocks", stage, index), read(x), {
        mode,
        branch,
        expanded: expansion === "none" ? undefined : divisibleChannels(before * expansion),
        channels: scaled(channels),
        kernel,
        stride: index === 0 ? stride : 1,
        activation: silu,
        // A quarter of the block's input, not of what it is expanded to.
        squeeze: { reduced: before / 4, activation: silu, gate: sigmoid },
        dropPath: (config.drop_path_rate * done++) / total,
      });
    }
    scope.layer(`stage.${stage + 1}`, x);
  });
  const last = conv2d(scope.at("conv_head"), x, scaled(LAST_CHANNELS), 1);
  return silu(batchNorm(scope.at("bn2"), last, mode));
}

export const efficientnetBackbone: Backbone<EfficientnetConfig> = {
  featureMap: efficientnetFeatureMap,
  pool: (_scope, map) => reduceMean(map, [2, 3]),
  classify: (scope, features, { num_classes }) => fanOutLinear(scope.at("classifier"), features, num_classes),
  lastLayer: "classifier",
};
