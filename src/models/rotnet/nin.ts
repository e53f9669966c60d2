// The network in network that RotNet trains on small pictures (architectures/NetworkInNetwork.py): blocks of a convolution and two more over single pixels.
import { averagePool, maxPool, relu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { conv2d } from "../../nn/conv.ts";
import type { Mode } from "../../nn/mode.ts";
import type { RotnetConfig } from "./config.ts";

/** image (N, 3, H, W) -> (N, channels, h, w); h and w are quarters, with a third pooling eighths, rounded up. */
export function ninFeatureMap(scope: Scope, image: Tensor, config: RotnetConfig, mode: Mode): Tensor {
  const { num_stages, use_avg_on_conv3, blocks } = config;
  let x = image;
  for (let stage = 0; stage < num_stages; stage++) {
    for (const [i, channels] of blocks[Math.min(stage, 1)]!.entries()) {
      const layers = scope.at("_feature_blocks", stage, `Block${stage + 1}_ConvB${i + 1}`, "layers");
      // The kernels of the first two blocks are larger.
      const kernel = i > 0 ? 1 : stage < 2 ? 5 : 3;
      x = relu(batchNorm(layers.at("BatchNorm"), conv2d(layers.at("Conv"), x, channels, kernel), mode));
    }
    const hasAverage = stage === 1 || (stage === 2 && num_stages > 3 && use_avg_on_conv3);
    if (stage === 0) x = maxPool(x, ...HALVING);
    else if (hasAverage) x = averagePool(x, ...HALVING);
    scope.layer(`conv${stage + 1}`, x);
  }
  return x;
}

/** Averages count the zeros around a picture. */
const HALVING = [[3, 3], { strides: [2, 2], padding: [1, 1] }] as const;
