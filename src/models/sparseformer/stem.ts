// The early convolution: 7 x 7 stride 2, ReLU, 3 x 3 max pooling stride 2, normalisation over channels. (N, 3, H, W) -> (N, H/4, W/4, conv_dim),
// channels last; videos keep their time axis. Official: modeling.py EarlyConvolution, media.py; the first release used an unbiased variance.
import {
  cast,
  conv,
  expand,
  layerNorm,
  maxPool,
  mul,
  relu,
  reshape,
  sub,
  transpose,
  values,
} from "../../graph/build.ts";
import { multiplyDims } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import { gains, levels, type Pixels } from "../pixels.ts";
import { convolveBytes, convolvesBytes } from "./byte-stem.ts";
import type { SparseformerConfig } from "./config.ts";
import { stemBlocks } from "./stem-blocks.ts";

/** PyTorch's default for a convolution's bias: uniform within 1 / sqrt(fan in). */
const BIAS_INIT: Initializer = { kind: "uniform", low: -1 / Math.sqrt(147), high: 1 / Math.sqrt(147) };

/** Of the convolution: weight (C, 3, [1,] 7, 7), bias (C). */
export interface StemWeights {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

export function stemWeights(scope: Scope, config: SparseformerConfig, video: boolean): StemWeights {
  const shape = [config.conv_dim, 3, ...(video ? [1] : []), 7, 7];
  return {
    weight: scope.at("conv1").parameter("weight", shape, { kind: "kaimingNormalFanOut" }),
    bias: scope.at("conv1").parameter("bias", [config.conv_dim], BIAS_INIT),
  };
}

/** picture (N, 3, [T,] H, W), normalised, or pixels -> (N, [T,] H/4, W/4, C) */
export function stem(
  scope: Scope,
  picture: Tensor | Pixels,
  weights: StemWeights,
  config: SparseformerConfig,
  mode: Mode,
): Tensor {
  const convolved = "bytes" in picture ? convolvePixels(picture, weights, mode) : convolve(picture, weights);
  const rank = convolved.shape.length;
  const flat = (frame: number, spatial: number) => (rank === 5 ? [frame, spatial, spatial] : [spatial, spatial]);
  const pool = (x: Tensor) => maxPool(x, flat(1, 3), { strides: flat(1, 2), padding: flat(0, 1) }); // (N, C, [T,] H/4, W/4)
  const inner = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const last = (x: Tensor) => transpose(x, [0, ...inner, 1]);
  // The same numbers in either order, and the same gradients. Before pooling, engines make ReLU a part of the convolution; behind it, its
  // gradient has a quarter of the cells.
  const pooled = mode.training ? relu(last(pool(convolved))) : last(pool(relu(convolved)));
  const normal = channelNorm(pooled, config);
  if (config.stem_blocks === 0) return normal;
  const first = transpose(normal, [0, rank - 1, ...inner.map((axis) => axis - 1)]);
  return channelNorm(last(stemBlocks(scope, first, config.stem_blocks)), config);
}

function convolve(image: Tensor, { weight, bias }: StemWeights): Tensor {
  const flat = (frame: number, spatial: number) =>
    image.shape.length === 5 ? [frame, spatial, spatial] : [spatial, spatial];
  return conv(image, weight, bias, { strides: flat(1, 2), padding: flat(0, 3) });
}

/**
 * Red, green and blue beside each other are an image of one channel, three times as wide: nothing has to be rearranged. The mean goes first,
 * because the padding is as black as the mean; the deviation is a matter of the kernel.
 */
function convolvePixels(pixels: Pixels, weights: StemWeights, mode: Mode): Tensor {
  if (mode.keepsBytes && convolvesBytes(pixels)) return convolveBytes(pixels, weights);
  const { bytes, height, width, normalization } = pixels;
  const row = multiplyDims(3, width);
  const level = reshape(expand(values(bytes.graph, [1, 3], levels(normalization)), [width, 3]), [row]);
  const centred = sub(cast(reshape(bytes, [bytes.shape[0]!, 1, height, row]), "float32"), level); // (N, 1, H, 3 W)
  return conv(centred, pixelKernel(weights, pixels), weights.bias, { strides: [2, 6], padding: [3, 9] });
}

/** The convolution's weight for centred pixels: (C, 1, 7, 21). */
export function pixelKernel({ weight }: StemWeights, { normalization }: Pixels): Tensor {
  const scaled = mul(transpose(weight, [0, 2, 3, 1]), values(weight.graph, [3], gains(normalization))); // (C, 7, 7, 3)
  return reshape(scaled, [weight.shape[0]!, 1, 7, 21]);
}

/** (x - mean) / sqrt(variance + epsilon) over the last axis. */
export function channelNorm(x: Tensor, config: SparseformerConfig): Tensor {
  const channels = config.conv_dim;
  const unbiased = config.compatible_config.first_release_numerics;
  // An unbiased variance is k / (k - 1) of the biased one: the factor moves into the scale, and epsilon shrinks likewise.
  const shrink = unbiased ? (channels - 1) / channels : 1;
  const epsilon = (unbiased ? 1e-7 : 1e-5) * shrink;
  const scale = values(x.graph, [channels], new Float32Array(channels).fill(Math.sqrt(shrink)));
  return layerNorm(x, scale, undefined, epsilon);
}
