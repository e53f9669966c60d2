// The early convolution: 7 x 7 stride 2, ReLU, 3 x 3 max pooling stride 2, normalisation over channels. (N, 3, H, W) -> (N, conv_dim, H/4, W/4);
// videos keep their time axis. Official: modeling.py EarlyConvolution, media.py; the first release used an unbiased variance.
import { conv, layerNorm, maxPool, relu, transpose, values } from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { SparseformerConfig } from "./config.ts";
import { stemBlocks } from "./stem-blocks.ts";

/** PyTorch's default for a convolution's bias: uniform within 1 / sqrt(fan in). */
const BIAS_INIT: Initializer = { kind: "uniform", low: -1 / Math.sqrt(147), high: 1 / Math.sqrt(147) };

export function stem(scope: Scope, image: Tensor, config: SparseformerConfig): Tensor {
  const video = image.shape.length === 5;
  const flat = (frame: number, spatial: number) => (video ? [frame, spatial, spatial] : [spatial, spatial]);
  const channels = config.conv_dim;
  const convScope = scope.at("conv1");
  return scope.run(() => {
    const weight = convScope.parameter("weight", [channels, 3, ...flat(1, 7)], { kind: "kaimingNormalFanOut" });
    const bias = convScope.parameter("bias", [channels], BIAS_INIT);
    const activated = relu(conv(image, weight, bias, { strides: flat(1, 2), padding: flat(0, 3) }));
    const pooled = maxPool(activated, flat(1, 3), { strides: flat(1, 2), padding: flat(0, 1) }); // (N, C, [T,] H/4, W/4)
    const normal = channelNorm(pooled, config);
    return config.stem_blocks === 0 ? normal : channelNorm(stemBlocks(scope, normal, config.stem_blocks), config);
  });
}

/** (x - mean) / sqrt(variance + epsilon) over axis 1: channels last, the engine's layer normalisation, and back. */
function channelNorm(x: Tensor, config: SparseformerConfig): Tensor {
  const channels = config.conv_dim;
  const unbiased = config.compatible_config.first_release_numerics;
  // An unbiased variance is k / (k - 1) of the biased one: the factor moves into the scale, and epsilon shrinks likewise.
  const shrink = unbiased ? (channels - 1) / channels : 1;
  const epsilon = (unbiased ? 1e-7 : 1e-5) * shrink;
  const rank = x.shape.length;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const last = transpose(x, [0, ...spatial, 1]); // (N, …, C)
  const scale = values(x.graph, [channels], new Float32Array(channels).fill(Math.sqrt(shrink)));
  const normal = layerNorm(last, scale, undefined, epsilon);
  return transpose(normal, [0, rank - 1, ...spatial.map((axis) => axis - 1)]); // (N, C, …)
}
