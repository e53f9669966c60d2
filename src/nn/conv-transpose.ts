// The transposed convolution over pictures, PyTorch's names: `weight` (in, out, kernel, kernel) and `bias` (out). Each cell of the smaller map is spread over a square of the
// larger one.
import { convTranspose } from "../graph/build.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf } from "./conv.ts";
import { torchDefault } from "./linear.ts";

export interface ConvTranspose2dOptions {
  /** Default: the kernel's side, so that squares lie beside each other. */
  readonly stride?: number;
  /** Rows and columns of the result that are cut off on every side. Default 0. */
  readonly padding?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default: PyTorch's, uniform within 1 / sqrt(out * kernel * kernel). */
  readonly weightInit?: Initializer;
}

/** x (N, in, H, W) -> (N, channels, (H - 1) * stride + kernel - 2 * padding, the same of W). */
export function convTranspose2d(
  scope: Scope,
  x: Tensor,
  channels: number,
  kernel: number,
  options: ConvTranspose2dOptions = {},
): Tensor {
  const { stride = kernel, padding = 0, bias: hasBias = true } = options;
  return scope.run(() => {
    const start = torchDefault(channels * kernel * kernel);
    const weight = scope.parameter("weight", [channelsOf(x), channels, kernel, kernel], options.weightInit ?? start);
    const bias = hasBias ? scope.parameter("bias", [channels], start) : undefined;
    return convTranspose(x, weight, bias, { strides: [stride, stride], padding: [padding, padding] });
  });
}
