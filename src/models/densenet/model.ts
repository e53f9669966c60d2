// DenseNet (Huang et al., CVPR 2017): every layer sees what all before it in its block have found. Reproduces
// huggingface/pytorch-image-models, timm/models/densenet.py; torchvision's and GFNet's names are the same.
import { averagePool, concat, maxPool, reduceMean, relu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { type Conv2dOptions, channelsOf, conv2d } from "../../nn/conv.ts";
import { linear, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { seenPart } from "../../nn/visible.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import type { DensenetConfig } from "./config.ts";

/** image (N, 3, H, W) -> (N, channels, H/32, W/32): after the last normalisation and its ReLU. */
export function densenetFeatureMap(
  scope: Scope,
  image: Tensor,
  config: DensenetConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  const at = scope.at("features");
  const norm = (name: string, x: Tensor) => relu(batchNorm(at.at(name), x, mode));
  const stem = convolution(at.at("conv0"), image, 2 * config.growth_rate, 7, { stride: 2 });
  let x = maxPool(seenPart(scope, norm("norm0", stem)), [3, 3], { strides: [2, 2], padding: [1, 1] }); // (N, C, H/4, W/4)
  config.block_config.forEach((layers, i) => {
    if (i > 0) x = transition(at.at(`transition${i}`), x, mode);
    x = denseBlock(at.at(`denseblock${i + 1}`), x, layers, config, mode, inputs);
    scope.layer(`stage.${i + 1}`, x);
  });
  return norm("norm5", x);
}

/** x (N, C, H, W) -> (N, C + layers * growth rate, H, W) */
function denseBlock(
  scope: Scope,
  x: Tensor,
  layers: number,
  config: DensenetConfig,
  mode: Mode,
  inputs: BlockInputs | undefined,
): Tensor {
  const found = [x];
  for (let i = 1; i <= layers; i++) {
    const at = scope.at(`denselayer${i}`);
    const { block: read, branch } = inputsAt(inputs, { index: i - 1, depths: config.block_config });
    const fresh = at.run(() => {
      const seen = relu(batchNorm(at.at("norm1"), read(concat(found, 1)), mode));
      const narrow = convolution(at.at("conv1"), branch(seen), config.bn_size * config.growth_rate, 1);
      const normal = relu(batchNorm(at.at("norm2"), narrow, mode));
      return convolution(at.at("conv2"), normal, config.growth_rate, 3);
    });
    found.push(mode.dropout(fresh, config.proj_drop_rate));
  }
  return concat(found, 1);
}

/** x (N, C, H, W) -> (N, C/2, H/2, W/2), sizes rounded down. */
function transition(scope: Scope, x: Tensor, mode: Mode): Tensor {
  return scope.run(() => {
    const normal = relu(batchNorm(scope.at("norm"), x, mode));
    const half = convolution(scope.at("conv"), normal, Math.floor(channelsOf(x) / 2), 1);
    return averagePool(half, [2, 2], { strides: [2, 2] });
  });
}

/** A convolution that starts as DenseNet's do: He's normal distribution by fan-in. */
function convolution(scope: Scope, x: Tensor, channels: number, kernel: number, options: Conv2dOptions = {}): Tensor {
  const std = Math.sqrt(2 / (channelsOf(x) * kernel * kernel));
  return conv2d(scope, x, channels, kernel, { ...options, weightInit: { kind: "normal", std } });
}

export const densenetBackbone: Backbone<DensenetConfig> = {
  featureMap: densenetFeatureMap,
  pool: (_scope, map) => reduceMean(map, [2, 3]),
  classify: (scope, features, { num_classes }) =>
    linear(scope.at("classifier"), features, num_classes, { weightInit: torchDefault(channelsOf(features)) }),
  lastLayer: "classifier",
};
