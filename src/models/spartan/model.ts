// SpaRTAN (Pay et al., "SpaRTAN: Spatial Reinforcement Token-based Aggregation Network for Visual Recognition", IJCNN 2025): convolutions near and far that
// mix space, then channels mixed as waves, whose amplitude and phase are a complex number. Reproduces henry-pay/SpaRTAN (Apache-2.0),
// src/model/spartan.py, names and numbers. The official code multiplies complex tensors; here two channels are one number, and graphs stay real.
import {
  add,
  argMax,
  concat,
  gatherElements,
  gelu,
  mul,
  reduceMean,
  reshape,
  silu,
  slice,
  sub,
  values,
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { type Conv2dOptions, channelsOf, conv2d } from "../../nn/conv.ts";
import { mapNorm } from "../../nn/group-norm.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { squeezeExcite } from "../../nn/squeeze-excite.ts";
import type { Backbone } from "../backbone.ts";
import type { SpartanConfig } from "./config.ts";

/** Of all normalisations. */
const EPSILON = 1e-6;
/** What scales of residuals start at. */
const SMALL = { kind: "constant", value: 1e-5 } as const;

/** image (N, 3, H, W) -> (N, last width, H/32, W/32) for four stages: the stem rounds sizes up, the other halvings down. */
export function spartanFeatureMap(scope: Scope, image: Tensor, config: SpartanConfig, mode: Mode): Tensor {
  const { init_dim, layer_depths, dims } = config;
  const half = normalized(scope.at("conv", 0), image, init_dim / 2, 3, mode, { stride: 2 });
  let x = normalized(scope.at("conv", 1), half, init_dim, 3, mode, { stride: 2 }); // (N, init_dim, H/4, W/4)
  scope.layer("stem", x);
  const blocks = layer_depths.reduce((sum, depth) => sum + depth, 0);
  let done = 0;
  layer_depths.forEach((depth, stage) => {
    // Blocks and what is between stages are numbered in one row.
    if (stage > 0) x = normalized(scope.at("layers", done + stage - 1), x, dims[stage - 1]!, 2, mode, HALVING);
    for (let b = 0; b < depth; b++, done++)
      x = block(scope.at("layers", done + stage), x, stage, (config.dropout * done) / blocks, config, mode);
    scope.layer(`stage.${stage + 1}`, x);
  });
  return x;
}

const HALVING = { stride: 2, padding: 0, activation: silu };

/** x (N, C, h, w) -> the same shape. */
function block(scope: Scope, x: Tensor, stage: number, dropPath: number, config: SpartanConfig, mode: Mode): Tensor {
  const isEarly = stage < Math.floor(config.num_layer / 2);
  const scaled = (name: string, update: Tensor) => {
    const scale = scope.parameter(name, [1, channelsOf(update), 1, 1], SMALL);
    return mode.dropPath(x.graph, mul(update, scale), dropPath, x.shape[0]!);
  };
  return scope.run(() => {
    const near = mapNorm(scope.at("norm_1"), x, EPSILON);
    const spread = add(x, scaled("scale_1", mixSpace(scope.at("smixer"), near, isEarly, mode)));
    const normal = mapNorm(scope.at("norm_2"), spread, EPSILON);
    const ratio = config.expand_ratios[stage]!;
    return add(spread, scaled("scale_2", mixChannels(scope.at("cmixer"), normal, ratio, isEarly, mode)));
  });
}

/** x (N, C, h, w) -> the same shape: what differs from the mean of the map is made stronger; half of the channels see neighbours, half of them farther. */
function mixSpace(scope: Scope, x: Tensor, isEarly: boolean, mode: Mode): Tensor {
  return scope.run(() => {
    const width = channelsOf(x);
    const half = width / 2;
    const groups = isEarly ? 1 : half;
    const inner = pointwise(scope.at("proj_in"), x, half); // (N, C/2, h, w)
    const gamma = scope.parameter("gamma", [1, half, 1, 1], SMALL);
    const mean = reduceMean(inner, [2, 3], { keepDims: true });
    const sharp = sub(mul(inner, add(gamma, 1)), mul(gamma, mean)); // inner + gamma (inner - mean)
    const near = normalized(scope.at("h_conv"), sharp, half, 3, mode, { groups });
    const dilated = { dilation: 2, groups };
    const wide = conv2d(scope.at("l_conv", 0, "conv"), sharp, half, 3, dilated);
    const far = normalized(scope.at("l_conv", 1), wide, half, 3, mode, dilated);
    const weighed = (name: string, map: Tensor) => excited(scope.at(name), map, Math.floor(half / 4));
    const both = concat([weighed("h_attn", near), weighed("l_attn", far)], 1); // (N, C, h, w)
    return pointwise(scope.at("proj_out"), both, width);
  });
}

/** x (N, C, h, w), normalised -> the same shape. Each cell's strongest channel is added to all others, as waves. */
function mixChannels(scope: Scope, x: Tensor, ratio: number, isEarly: boolean, mode: Mode): Tensor {
  return scope.run(() => {
    const width = channelsOf(x);
    const wide = ratio * width;
    const phase = gelu(pointwise(scope.at("theta"), x, wide));
    const waves = mul(pointwise(scope.at("proj"), x, wide), phase); // (N, wide, h, w)
    const strongest = argMax(x, 1, { keepDims: true }); // (N, 1, h, w), below C
    const feature = turned(scope, add(waves, gatherElements(waves, strongest, 1)));
    const mixed = normalized(scope.at("conv"), feature, wide, 3, mode, { groups: isEarly ? wide : width });
    return pointwise(scope.at("proj_out"), excited(scope.at("attn"), mixed, Math.floor(width / 4)), width);
  });
}

/** x (N, C, h, w), two channels a complex number, real part first -> the same shape: each multiplied by a learned one. */
function turned(scope: Scope, x: Tensor): Tensor {
  const [n, channels, height, width] = [x.shape[0]!, channelsOf(x), x.shape[2]!, x.shape[3]!];
  const pairs = channels / 2;
  const numbers = reshape(scope.parameter("complex", [1, 1, 1, pairs, 2], { kind: "normal", std: 1 }), [pairs, 2]);
  const factors = (part: Tensor) => reshape(part, [1, pairs, -1, 1, 1]);
  const real = factors(slice(numbers, 1, 0, 1)); // (1, pairs, 1, 1, 1)
  const imaginary = mul(slice(numbers, 1, 1, 2), values(x.graph, [1, 2], [-1, 1])); // (pairs, 2)
  const apart = reshape(x, [n, pairs, 2, height, width]);
  const swapped = concat([slice(apart, 2, 1, 2), slice(apart, 2, 0, 1)], 2);
  return reshape(add(mul(apart, real), mul(swapped, factors(imaginary))), x.shape);
}

interface NormalizedOptions extends Pick<Conv2dOptions, "stride" | "padding" | "dilation" | "groups"> {
  /** Default gelu. */
  readonly activation?: (x: Tensor) => Tensor;
}

/** x (N, in, h, w) -> (N, channels, h / stride, w / stride): convolution, normalisation, activation. */
function normalized(
  scope: Scope,
  x: Tensor,
  channels: number,
  kernel: number,
  mode: Mode,
  { activation = gelu, ...options }: NormalizedOptions,
): Tensor {
  const map = conv2d(scope.at("conv"), x, channels, kernel, options);
  return activation(batchNorm(scope.at("norm"), map, mode, { epsilon: EPSILON }));
}

function pointwise(scope: Scope, x: Tensor, channels: number): Tensor {
  return conv2d(scope, x, channels, 1, { bias: true });
}

function excited(scope: Scope, x: Tensor, reduced: number): Tensor {
  return squeezeExcite(scope, x, { reduced, names: ["squeeze", "expand"] });
}

export const spartanBackbone: Backbone<SpartanConfig> = {
  featureMap: spartanFeatureMap,
  pool: (_, map) => reduceMean(map, [2, 3]),
  classify: (scope, features, { num_classes }) => linear(scope.at("linear"), features, num_classes),
  lastLayer: "linear",
};
