// AlexNet with batch normalisation, as RotNet trains it on ImageNet (architectures/AlexNet.py).
import { maxPool, relu, reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { fixedWidth, linear, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { RotnetConfig } from "./config.ts";

/** Place among the official blocks, kernel, stride, padding, and the place of the pooling that follows. */
const CONVS = [
  { at: 0, kernel: 11, stride: 4, padding: 2, pool: 1 },
  { at: 2, kernel: 5, stride: 1, padding: 2, pool: 3 },
  { at: 4, kernel: 3, stride: 1, padding: 1, pool: undefined },
  { at: 5, kernel: 3, stride: 1, padding: 1, pool: undefined },
  { at: 6, kernel: 3, stride: 1, padding: 1, pool: 7 },
] as const;

/** Where the layers before the last are among the official blocks, and the last. */
const HIDDEN = 8;
export const ALEXNET_LAST = 9;

/** image (N, 3, H, W) -> (N, 256, 6, 6) for 224 pixels. */
export function alexnetFeatureMap(scope: Scope, image: Tensor, { convs }: RotnetConfig, mode: Mode): Tensor {
  let x = image;
  for (const [i, { at, kernel, pool, ...window }] of CONVS.entries()) {
    const layers = scope.at("_feature_blocks", at);
    const map = conv2d(layers.at(0), x, convs[i]!, kernel, { ...window, bias: true });
    x = relu(batchNorm(layers.at(1), map, mode));
    scope.layer(`conv${i + 1}`, x);
    if (pool === undefined) continue;
    x = maxPool(x, [3, 3], { strides: [2, 2] });
    scope.layer(`pool${i + 1}`, x);
  }
  return x;
}

/** map (N, channels, h, w) of one size -> (N, hidden) */
export function alexnetHidden(scope: Scope, map: Tensor, { hidden }: RotnetConfig, mode: Mode): Tensor {
  const [, , height, width] = map.shape as [unknown, number, number, number];
  const layers = scope.at("_feature_blocks", HIDDEN);
  let x = reshape(map, [map.shape[0]!, channelsOf(map) * height * width]);
  // The first of these blocks only lays the map flat.
  for (const at of [1, 4]) {
    const weightInit = torchDefault(fixedWidth(x));
    const y = linear(layers.at(at), x, hidden, { bias: false, weightInit });
    x = relu(batchNorm(layers.at(at + 1), y, mode));
  }
  return x;
}
