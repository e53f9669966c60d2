// ResNet (He et al., CVPR 2016), with the stride in the 3 x 3 convolution ("v1.5", as torchvision and timm have it). Reproduces
// huggingface/pytorch-image-models, timm/models/resnet.py; torchvision's names are the same.
import { add, maxPool, reduceMean, relu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { seenPart } from "../../nn/visible.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import type { ResnetConfig } from "./config.ts";

const EXPANSION = { BasicBlock: 1, Bottleneck: 4 } as const;

/** image (N, 3, H, W) -> (N, last channels * expansion, H/32, W/32). */
export function resnetFeatureMap(
  scope: Scope,
  image: Tensor,
  config: ResnetConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  return resnetStageMaps(scope, image, config, mode, inputs).at(-1)!;
}

/** image (N, 3, H, W) -> what is behind each stage: (N, channels * expansion, H/4, W/4), and half the size and other channels each after it. */
function resnetStageMaps(
  scope: Scope,
  image: Tensor,
  config: ResnetConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor[] {
  const stem = conv2d(scope.at("conv1"), image, config.stem_channels, 7, { stride: 2 }); // (N, 64, H/2, W/2)
  const activated = relu(batchNorm(scope.at("bn1"), stem, mode));
  let x = maxPool(seenPart(scope, activated), [3, 3], { strides: [2, 2], padding: [1, 1] }); // (N, 64, H/4, W/4)
  const blocks = config.layers.flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => ({ stage, index })),
  );
  const maps: Tensor[] = [];
  blocks.forEach(({ stage, index }, i) => {
    const { block: read, branch } = inputsAt(inputs, { index, depths: config.layers });
    x = block(scope.at(`layer${stage + 1}`, index), read(x), mode, {
      kind: config.block,
      branch,
      channels: config.channels[stage]!,
      stride: index === 0 && stage > 0 ? 2 : 1,
      dropPath: i === 0 ? 0 : (config.drop_path_rate * i) / (blocks.length - 1),
      zeroLast: config.zero_init_last,
    });
    if (index < config.layers[stage]! - 1) return;
    scope.layer(`stage.${stage + 1}`, x);
    maps.push(x);
  });
  return maps;
}

interface BlockOptions {
  readonly kind: ResnetConfig["block"];
  readonly branch: (x: Tensor) => Tensor;
  readonly channels: number;
  readonly stride: number;
  readonly dropPath: number;
  readonly zeroLast: boolean;
}

/** relu(shortcut + residual) */
function block(scope: Scope, x: Tensor, mode: Mode, options: BlockOptions): Tensor {
  const { kind, branch, channels, stride, dropPath, zeroLast } = options;
  const wide = channels * EXPANSION[kind];
  // kernel, channels, stride of each convolution
  const convolutions: readonly (readonly [number, number, number])[] =
    kind === "BasicBlock"
      ? [
          [3, channels, stride],
          [3, wide, 1],
        ]
      : [
          [1, channels, 1],
          [3, channels, stride],
          [1, wide, 1],
        ];
  return scope.run(() => {
    const residual = convolutions.reduce((y, [kernel, width, step], i) => {
      const last = i === convolutions.length - 1;
      const convolved = conv2d(scope.at(`conv${i + 1}`), y, width, kernel, { stride: step });
      const weightInit = { kind: last && zeroLast ? "zeros" : "ones" } as const;
      const normal = batchNorm(scope.at(`bn${i + 1}`), convolved, mode, { weightInit });
      return last ? normal : relu(normal);
    }, branch(x));
    const changes = stride !== 1 || channelsOf(x) !== wide;
    const shortcut = changes ? projection(scope.at("downsample"), x, wide, stride, mode) : x;
    return relu(add(mode.dropPath(x.graph, residual, dropPath, x.shape[0]!), shortcut));
  });
}

function projection(scope: Scope, x: Tensor, channels: number, stride: number, mode: Mode): Tensor {
  return batchNorm(scope.at(1), conv2d(scope.at(0), x, channels, 1, { stride }), mode);
}

export const resnetBackbone: Backbone<ResnetConfig> = {
  featureMap: resnetFeatureMap,
  stageMaps: resnetStageMaps,
  pool: (_scope, map) => reduceMean(map, [2, 3]),
  classify: (scope, features, { num_classes }) => torchLinear(scope.at("fc"), features, num_classes),
  lastLayer: "fc",
};
