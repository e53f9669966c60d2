// ConvNeXt's block, and what else its networks are made of. Maps are kept channels last between the convolutions: norms and products want them so, and the engine's
// convolution takes and gives either order for the same price.
import { add, gelu, mul, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { type Conv2dOptions, conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { affine, fixedWidth, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";

/** Of all layer normalisations, but where a configuration says otherwise for the last one. */
export const EPSILON = 1e-6;
const EXPANSION = 4;

/** Paths of a block's layers. */
export interface BlockNames {
  readonly depthwise: string;
  readonly expand: readonly string[];
  readonly contract: readonly string[];
}

/** timm's. */
export const TIMM_NAMES: BlockNames = { depthwise: "conv_dw", expand: ["mlp", "fc1"], contract: ["mlp", "fc2"] };
/** The official repository's. */
export const OFFICIAL_NAMES: BlockNames = { depthwise: "dwconv", expand: ["pwconv1"], contract: ["pwconv2"] };

export interface BlockOptions {
  readonly names: BlockNames;
  /** The layers of the perceptron are kept as 1 x 1 convolutions. */
  readonly asConvolutions: boolean;
  /** What the residual's scale starts at; null for none. */
  readonly scaleStart: number | null;
  readonly dropPath: number;
  readonly mode: Mode;
  /** What the residual reads of x (N, C, H, W). Default: x itself. */
  readonly branch?: (x: Tensor) => Tensor;
}

/** x (N, H, W, C) -> the same shape. */
export function block(scope: Scope, x: Tensor, options: BlockOptions): Tensor {
  const { names, asConvolutions, scaleStart, dropPath, mode, branch = (map) => map } = options;
  return scope.run(() => {
    const width = fixedWidth(x);
    const depthwise = convolution(scope.at(names.depthwise), branch(channelsFirst(x)), width, 7, { groups: width });
    const normal = layerNorm(scope.at("norm"), channelsLast(depthwise), EPSILON);
    const hidden = gelu(pointwise(scope.at(...names.expand), normal, EXPANSION * width, asConvolutions));
    const gamma =
      scaleStart === null ? undefined : scope.parameter("gamma", [width], { kind: "constant", value: scaleStart });
    const residual = pointwise(scope.at(...names.contract), hidden, width, asConvolutions, gamma);
    return add(mode.dropPath(x.graph, residual, dropPath, x.shape[0]!), x);
  });
}

/**
 * x (N, H, W, in) -> (N, H, W, features), scaled by `gamma` (features). The scale is applied to the weights, which are constant at inference,
 * and smaller than the map in training.
 */
function pointwise(scope: Scope, x: Tensor, features: number, asConvolution: boolean, gamma?: Tensor): Tensor {
  return scope.run(() => {
    const shape = [features, fixedWidth(x)];
    const stored = scope.parameter("weight", asConvolution ? [...shape, 1, 1] : shape, TRUNCATED_NORMAL_002);
    const weight = reshape(stored, shape);
    const bias = scope.parameter("bias", [features], { kind: "zeros" });
    if (gamma === undefined) return affine(x, weight, bias);
    return affine(x, mul(weight, reshape(gamma, [features, 1])), mul(bias, gamma));
  });
}

/** x (N, in, H, W) -> (N, channels, h, w): without padding, unless it is depthwise. */
export function convolution(scope: Scope, x: Tensor, channels: number, kernel: number, options: Conv2dOptions): Tensor {
  const padding = options.groups === undefined ? 0 : Math.floor(kernel / 2);
  return conv2d(scope, x, channels, kernel, { bias: true, weightInit: TRUNCATED_NORMAL_002, padding, ...options });
}

export const channelsLast = (x: Tensor) => transpose(x, [0, 2, 3, 1]);
export const channelsFirst = (x: Tensor) => transpose(x, [0, 3, 1, 2]);
