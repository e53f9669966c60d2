// MobileNetV3 (Howard et al., ICCV 2019). Reproduces huggingface/pytorch-image-models, timm/models/mobilenetv3.py, the models without `tf_`:
// padding is symmetric. GFNet's encoders (blackfeather-wang/GFNet-Pytorch, models/mobilenetv3.py) are the same.
import { hardSigmoid, hardSwish, reduceMean, relu, reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { divisibleChannels, invertedResidual } from "../../nn/inverted-residual.ts";
import { fanOutLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import type { Mobilenetv3Config } from "./config.ts";

interface BlockDefinition {
  readonly kernel: number;
  readonly stride: number;
  /** Times the block's input; "none" for a depthwise separable convolution. */
  readonly expansion: number | "none";
  readonly channels: number;
  readonly squeezes: boolean;
  readonly activation: typeof relu;
}

const block = (
  kernel: number,
  stride: number,
  expansion: number | "none",
  channels: number,
  activation: typeof relu,
  squeezes = false,
): BlockDefinition => ({ kernel, stride, expansion, channels, activation, squeezes });

/** Stages of blocks, as in tables 1 and 2 of the paper. */
const STAGES: Readonly<Record<Mobilenetv3Config["variant"], readonly (readonly BlockDefinition[])[]>> = {
  large: [
    [block(3, 1, "none", 16, relu)],
    [block(3, 2, 4, 24, relu), block(3, 1, 3, 24, relu)],
    [block(5, 2, 3, 40, relu, true), block(5, 1, 3, 40, relu, true), block(5, 1, 3, 40, relu, true)],
    [
      block(3, 2, 6, 80, hardSwish),
      block(3, 1, 2.5, 80, hardSwish),
      block(3, 1, 2.3, 80, hardSwish),
      block(3, 1, 2.3, 80, hardSwish),
    ],
    [block(3, 1, 6, 112, hardSwish, true), block(3, 1, 6, 112, hardSwish, true)],
    [block(5, 2, 6, 160, hardSwish, true), block(5, 1, 6, 160, hardSwish, true), block(5, 1, 6, 160, hardSwish, true)],
  ],
  small: [
    [block(3, 2, "none", 16, relu, true)],
    [block(3, 2, 4.5, 24, relu), block(3, 1, 3.67, 24, relu)],
    [block(5, 2, 4, 40, hardSwish, true), block(5, 1, 6, 40, hardSwish, true), block(5, 1, 6, 40, hardSwish, true)],
    [block(5, 1, 3, 48, hardSwish, true), block(5, 1, 3, 48, hardSwish, true)],
    [block(5, 2, 6, 96, hardSwish, true), block(5, 1, 6, 96, hardSwish, true), block(5, 1, 6, 96, hardSwish, true)],
  ],
};

const STEM_CHANNELS = 16;
/** Channels of the last map, and of the features after it. */
const LAST_CHANNELS = { large: 960, small: 576 } as const;
const FEATURES = { large: 1280, small: 1024 } as const;

/** image (N, 3, H, W) -> (N, 960 or 576 times the multiplier, H/32, W/32). */
export function mobilenetv3FeatureMap(
  scope: Scope,
  image: Tensor,
  config: Mobilenetv3Config,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  const { channel_multiplier: multiplier, variant } = config;
  const scaled = (channels: number) => divisibleChannels(channels * multiplier);
  const stages = STAGES[variant];
  const depths = stages.map(({ length }) => length);
  const stemChannels = multiplier < 0.75 ? STEM_CHANNELS : scaled(STEM_CHANNELS);
  const stem = conv2d(scope.at("conv_stem"), image, stemChannels, 3, { stride: 2 });
  let x = hardSwish(batchNorm(scope.at("bn1"), stem, mode)); // (N, 16, H/2, W/2)
  // The convolution at the end counts as a block.
  const total = stages.flat().length + 1;
  let done = 0;
  stages.forEach((blocks, stage) => {
    blocks.forEach(({ kernel, stride, expansion, channels, squeezes, activation }, index) => {
      const expanded = expansion === "none" ? undefined : divisibleChannels(channelsOf(x) * expansion);
      const reduced = divisibleChannels((expanded ?? channelsOf(x)) / 4);
      const { block: read, branch } = inputsAt(inputs, { index, depths });
      x = invertedResidual(scope.at("blocks", stage, index), read(x), {
        mode,
        branch,
        expanded,
        channels: scaled(channels),
        kernel,
        stride,
        activation,
        squeeze: squeezes ? { reduced, activation: relu, gate: hardSigmoid } : undefined,
        dropPath: (config.drop_path_rate * done++) / total,
      });
    });
    scope.layer(`stage.${stage + 1}`, x);
  });
  const last = scope.at("blocks", stages.length, 0);
  const convolved = conv2d(last.at("conv"), x, scaled(LAST_CHANNELS[variant]), 1);
  const map = hardSwish(batchNorm(last.at("bn1"), convolved, mode));
  scope.layer(`stage.${stages.length + 1}`, map);
  return map;
}

/** Pooled, then one more convolution on the one cell that is left. */
function pool(scope: Scope, map: Tensor, { variant }: Mobilenetv3Config): Tensor {
  const pooled = reduceMean(map, [2, 3], { keepDims: true }); // (N, C, 1, 1)
  const features = hardSwish(conv2d(scope.at("conv_head"), pooled, FEATURES[variant], 1, { bias: true }));
  return reshape(features, [map.shape[0]!, FEATURES[variant]]); // (N, 1280 or 1024)
}

export const mobilenetv3Backbone: Backbone<Mobilenetv3Config> = {
  featureMap: mobilenetv3FeatureMap,
  pool,
  classify: (scope, features, { num_classes }) => fanOutLinear(scope.at("classifier"), features, num_classes),
  lastLayer: "classifier",
};
