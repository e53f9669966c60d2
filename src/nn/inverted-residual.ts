// The blocks of mobile networks: a depthwise convolution between two that mix channels (MobileNetV2, Sandler et al., CVPR 2018), with squeeze
// and excitation. Names and behaviour of huggingface/pytorch-image-models, timm/models/_efficientnet_blocks.py.
import { add } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { batchNorm } from "./batch-norm.ts";
import { channelsOf, conv2d } from "./conv.ts";
import type { Mode } from "./mode.ts";
import { squeezeExcite } from "./squeeze-excite.ts";

export interface SqueezeOptions {
  readonly reduced: number;
  readonly activation: (x: Tensor) => Tensor;
  readonly gate: (x: Tensor) => Tensor;
}

export interface InvertedResidualOptions {
  readonly mode: Mode;
  /** What the expansion reads instead of x, where x is added to the result. Default: x. */
  readonly branch?: (x: Tensor) => Tensor;
  /** Channels between expansion and projection; undefined leaves the expansion out (a depthwise separable convolution). */
  readonly expanded: number | undefined;
  readonly channels: number;
  /** Of the depthwise convolution. */
  readonly kernel: number;
  readonly stride: number;
  readonly activation: (x: Tensor) => Tensor;
  readonly squeeze: SqueezeOptions | undefined;
  readonly dropPath: number;
}

/** x (N, in, H, W) -> (N, channels, H / stride, W / stride). The input is added where shapes allow. */
export function invertedResidual(scope: Scope, x: Tensor, options: InvertedResidualOptions): Tensor {
  const { mode, expanded, channels, kernel, stride, activation, squeeze, dropPath } = options;
  const keepsInput = stride === 1 && channelsOf(x) === channels;
  // Norms are numbered in order, and the projection is called by whether an expansion came before it.
  const separable = expanded === undefined;
  const norm = (number: number, y: Tensor) => batchNorm(scope.at(`bn${separable ? number - 1 : number}`), y, mode);
  return scope.run(() => {
    const read = keepsInput && options.branch !== undefined && !separable ? options.branch(x) : x;
    const wide = separable ? x : activation(norm(1, conv2d(scope.at("conv_pw"), read, expanded, 1)));
    const groups = channelsOf(wide);
    const depthwise = conv2d(scope.at("conv_dw"), wide, groups, kernel, { stride, groups });
    const mixed = squeezed(scope.at("se"), activation(norm(2, depthwise)), squeeze); // (N, groups, H / stride, W / stride)
    const projected = norm(3, conv2d(scope.at(separable ? "conv_pw" : "conv_pwl"), mixed, channels, 1));
    if (!keepsInput) return projected;
    return add(mode.dropPath(x.graph, projected, dropPath, x.shape[0]!), x);
  });
}

function squeezed(scope: Scope, x: Tensor, options: SqueezeOptions | undefined): Tensor {
  return options === undefined ? x : squeezeExcite(scope, x, { ...options, names: ["conv_reduce", "conv_expand"] });
}

/** A number of channels rounded to a multiple of `divisor`, at least that, and never by more than a tenth down. */
export function divisibleChannels(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}
