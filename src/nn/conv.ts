// The convolution layer over pictures, PyTorch's names: `weight` (out, in / groups, kernel, kernel) and `bias` (out).
import { conv } from "../graph/build.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedDim } from "./linear.ts";
import { seenPart } from "./visible.ts";

export interface Conv2dOptions {
  /** Default 1. */
  readonly stride?: number;
  /** Input channels are split in so many groups, each with its own kernels. Default 1. */
  readonly groups?: number;
  /** Cells from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number;
  /** Rows and columns of zeros on every side. Default dilation * (kernel - 1) / 2, rounded down: sizes shrink by the stride alone. */
  readonly padding?: number;
  /** Default false: a normalisation follows. */
  readonly bias?: boolean;
  /** Default: He's normal distribution by the fan-out of one group. */
  readonly weightInit?: Initializer;
  /** Default zeros. */
  readonly biasInit?: Initializer;
}

/** x (N, in, H, W) -> (N, channels, H / stride, W / stride). */
export function conv2d(scope: Scope, x: Tensor, channels: number, kernel: number, options: Conv2dOptions = {}): Tensor {
  const { stride = 1, groups = 1, dilation = 1 } = options;
  const padding = options.padding ?? Math.floor((dilation * (kernel - 1)) / 2);
  return scope.run(() => {
    const shape = [channels, channelsOf(x) / groups, kernel, kernel];
    const fanOut = (channels / groups) * kernel * kernel;
    const weightInit = options.weightInit ?? { kind: "normal", std: Math.sqrt(2 / fanOut) };
    const weight = scope.parameter("weight", shape, weightInit);
    const bias =
      options.bias === true ? scope.parameter("bias", [channels], options.biasInit ?? { kind: "zeros" }) : undefined;
    const dilations = [dilation, dilation];
    return conv(kernel === 1 ? x : seenPart(scope, x), weight, bias, {
      strides: [stride, stride],
      padding: [padding, padding],
      dilations,
      groups,
    });
  });
}

/** The number of channels of (N, C, H, W). */
export function channelsOf(x: Tensor): number {
  return fixedDim(x, 1);
}
