// RRFormer (Zhang et al., "Benchmarking Ultra-High-Definition Image Reflection Removal", 2023): what is behind a pane of glass, from a picture in which the pane reflects. Convolutions
// at full size, a transformer at half of it, and back. Reproduces Liar-zzy/Benchmarking-Ultra-High-Definition-Single-Image-Reflection-Removal, models/arch/default.py DRNet
// and models/network_uhderrnet.py SwinIR; the hypercolumn is models/errnet_model.py's.
import { add, averagePool, concat, conv, maximum, mul, reduceMean, relu, resize, slice } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { convTranspose2d } from "../../nn/conv-transpose.ts";
import type { Mode } from "../../nn/mode.ts";
import { PYRAMID, type RrformerConfig } from "./config.ts";
import { swinir } from "./transformer.ts";
import { hypercolumn } from "./vgg.ts";

/**
 * image (N, 3, H, W), 0 to 1 -> `picture` (N, 3, H, W), what is behind the glass, from 0 to a little above 1; `features` (N, embed_dim), the mean of what the transformer gave.
 */
export function rrformer(
  scope: Scope,
  image: Tensor,
  config: RrformerConfig,
  mode: Mode,
): { readonly picture: Tensor; readonly features: Tensor } {
  const parts = config.hypercolumn ? [image, ...hypercolumn(scope.at("vgg"), image)] : [image];
  return restore(scope, parts, config, mode);
}

/** The network behind its input. @param parts maps (N, channels, …) of any sizes, that of the first, (N, channels, H, W), being the picture's */
export function restore(
  scope: Scope,
  parts: readonly Tensor[],
  config: RrformerConfig,
  mode: Mode,
): { readonly picture: Tensor; readonly features: Tensor } {
  const { n_feats: width } = config;
  const layer = (name: string, x: Tensor, channels: number, stride = 1) =>
    relu(conv2d(scope.at(name, "conv2d"), x, channels, 3, { stride, bias: true }));
  const first = relu(mixParts(scope.at("conv1", "conv2d"), parts, width)); // (N, n_feats, H, W)
  const half = layer("conv3", layer("conv2", first, width), config.embed_dim, 2); // (N, embed_dim, H/2, W/2)
  const seen = config.bypass_transformer ? half : swinir(scope.at("swinir_block"), half, config, mode);
  scope.layer("transformer", seen);
  const spread = convTranspose2d(scope.at("deconv1", "conv2d"), seen, width, 4, { stride: 2, padding: 1 });
  const full = layer("deconv2", relu(spread), width); // (N, n_feats, H, W)
  const mixed = config.pyramid ? withNeighbourhood(scope.at("pyramid_module"), full) : full;
  // It begins as grey: large errors at first would leave the rectifiers before it with nothing to learn from.
  const weightInit = { kind: "normal", std: 0.02 } as const;
  const biasInit = { kind: "constant", value: 0.5 } as const;
  const last = conv2d(scope.at("deconv3", "conv2d"), mixed, 3, 1, { bias: true, weightInit, biasInit });
  // A pixel below black would learn nothing through the rectifier. Pictures are not below black, so that training without it is training for the same.
  const picture = mode.training ? last : relu(last);
  return { picture, features: reduceMean(seen, [2, 3]) };
}

/**
 * One linear map of all channels of all parts, each brought to the first one's size. Maps are brought there after their share of it and not before, which is the same: so
 * the 1475 channels of the hypercolumn are never there at full size. -> (N, channels, H, W)
 */
function mixParts(scope: Scope, parts: readonly Tensor[], channels: number): Tensor {
  return scope.run(() => {
    const sizes = parts[0]!.shape.slice(2) as [Dim, Dim];
    const all = parts.reduce((sum, part) => sum + channelsOf(part), 0);
    const weight = scope.parameter("weight", [channels, all, 1, 1], { kind: "kaimingNormalFanOut" });
    const bias = scope.parameter("bias", [channels], { kind: "zeros" });
    let from = 0;
    const shares = parts.map((part, i) => {
      const own = slice(weight, 1, from, from + channelsOf(part)); // (channels, its channels, 1, 1)
      from += channelsOf(part);
      const share = conv(part, parts.length === 1 ? weight : own, i === 0 ? bias : undefined);
      return i === 0 ? share : resize(share, sizes, "linear");
    });
    return shares.reduce((a, b) => add(a, b));
  });
}

/** map (N, C, H, W) -> the same shape: with the averages of squares around each pixel. */
function withNeighbourhood(scope: Scope, map: Tensor): Tensor {
  const channels = channelsOf(map);
  const sizes = map.shape.slice(2) as [Dim, Dim];
  return scope.run(() => {
    const averages = PYRAMID.map((side, i) => {
      const average = averagePool(map, [side, side], { strides: [side, side] }); // (N, C, H/side, W/side)
      const mixed = leakyRelu(conv2d(scope.at("stages", i, 1), average, channels / 4, 1));
      return resize(mixed, sizes, "nearest");
    });
    return leakyRelu(conv2d(scope.at("bottleneck"), concat([...averages, map], 1), channels, 1, { bias: true }));
  });
}

const leakyRelu = (x: Tensor) => maximum(x, mul(x, 0.2));
