// ConvNeXt (Liu et al., CVPR 2022). Reproduces huggingface/pytorch-image-models, timm/models/convnext.py. Maps are kept channels last between
// the convolutions: norms and products want them so, and the engine's convolution takes and gives either order for the same price.
import { add, gelu, mul, reduceMean, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { type Conv2dOptions, conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { affine, fixedWidth, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import type { ConvnextConfig } from "./config.ts";

const EPSILON = 1e-6;
const EXPANSION = 4;
const STEM_STRIDE = 4;

/** image (N, 3, H, W) -> (N, last width, H/32, W/32) for four stages; sizes are rounded down. */
export function convnextFeatureMap(
  scope: Scope,
  image: Tensor,
  config: ConvnextConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  const total = config.depths.reduce((sum, depth) => sum + depth, 0);
  const patches = convolution(scope.at("stem", 0), image, config.dims[0]!, STEM_STRIDE, { stride: STEM_STRIDE });
  let x = layerNorm(scope.at("stem", 1), channelsLast(patches), EPSILON); // (N, H/4, W/4, C)
  let done = 0;
  config.depths.forEach((depth, s) => {
    const stage = scope.at("stages", s);
    if (s > 0) x = downsample(stage.at("downsample"), x, config.dims[s]!);
    for (let b = 0; b < depth; b++) {
      const dropPath = total === 1 ? 0 : (config.drop_path_rate * done++) / (total - 1);
      const { block: read, branch } = inputsAt(inputs, { index: b, depths: config.depths });
      x = block(stage.at("blocks", b), channelsLast(read(channelsFirst(x))), branch, dropPath, config, mode);
    }
    const map = x;
    scope.layer(`stage.${s + 1}`, () => channelsFirst(map));
  });
  return channelsFirst(x);
}

/** x (N, H, W, in) -> (N, H/2, W/2, channels) */
function downsample(scope: Scope, x: Tensor, channels: number): Tensor {
  const normal = layerNorm(scope.at(0), x, EPSILON);
  return channelsLast(convolution(scope.at(1), channelsFirst(normal), channels, 2, { stride: 2 }));
}

/** x (N, H, W, C) -> the same shape. */
function block(
  scope: Scope,
  x: Tensor,
  branch: (x: Tensor) => Tensor,
  dropPath: number,
  config: ConvnextConfig,
  mode: Mode,
): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const depthwise = convolution(scope.at("conv_dw"), branch(channelsFirst(x)), width, 7, { groups: width });
    const normal = layerNorm(scope.at("norm"), channelsLast(depthwise), EPSILON);
    const hidden = gelu(pointwise(scope.at("mlp", "fc1"), normal, EXPANSION * width, config));
    const gamma =
      config.ls_init_value === null
        ? undefined
        : scope.parameter("gamma", [width], { kind: "constant", value: config.ls_init_value });
    const residual = pointwise(scope.at("mlp", "fc2"), hidden, width, config, gamma);
    return add(mode.dropPath(x.graph, residual, dropPath, x.shape[0]!), x);
  });
}

/**
 * x (N, H, W, in) -> (N, H, W, features), scaled by `gamma` (features). The scale is applied to the weights, which are constant at inference,
 * and smaller than the map in training.
 */
function pointwise(scope: Scope, x: Tensor, features: number, { conv_mlp }: ConvnextConfig, gamma?: Tensor): Tensor {
  return scope.run(() => {
    const shape = [features, fixedWidth(x)];
    const stored = scope.parameter("weight", conv_mlp ? [...shape, 1, 1] : shape, TRUNCATED_NORMAL_002);
    const weight = reshape(stored, shape);
    const bias = scope.parameter("bias", [features], { kind: "zeros" });
    if (gamma === undefined) return affine(x, weight, bias);
    return affine(x, mul(weight, reshape(gamma, [features, 1])), mul(bias, gamma));
  });
}

function convolution(scope: Scope, x: Tensor, channels: number, kernel: number, options: Conv2dOptions): Tensor {
  const padding = options.groups === undefined ? 0 : Math.floor(kernel / 2);
  return conv2d(scope, x, channels, kernel, { bias: true, weightInit: TRUNCATED_NORMAL_002, padding, ...options });
}

const channelsLast = (x: Tensor) => transpose(x, [0, 2, 3, 1]);
const channelsFirst = (x: Tensor) => transpose(x, [0, 3, 1, 2]);

export const convnextBackbone: Backbone<ConvnextConfig> = {
  featureMap: convnextFeatureMap,
  pool: (scope, map, { head_norm_eps }) => layerNorm(scope.at("head", "norm"), reduceMean(map, [2, 3]), head_norm_eps),
  classify: (scope, features, { num_classes }) => linear(scope.at("head", "fc"), features, num_classes),
  lastLayer: "head.fc",
};
