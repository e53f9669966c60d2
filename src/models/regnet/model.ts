// RegNet (Radosavovic et al., CVPR 2020): blocks of grouped convolutions, Y with squeeze and excitation. Reproduces
// huggingface/pytorch-image-models, timm/models/regnet.py.
import { add, reduceMean, relu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { type Conv2dOptions, channelsOf, conv2d } from "../../nn/conv.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { squeezeExcite } from "../../nn/squeeze-excite.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import { type RegnetConfig, type RegnetStage, regnetStages, roundToEven } from "./config.ts";

/** image (N, 3, H, W) -> (N, last width, H/32, W/32) for four stages. */
export function regnetFeatureMap(
  scope: Scope,
  image: Tensor,
  config: RegnetConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  let x = relu(convNorm(scope.at("stem"), image, config.stem_width, 3, mode, { stride: 2 })); // (N, stem, H/2, W/2)
  const stages = regnetStages(config);
  const depths = stages.map(({ depth }) => depth);
  const blocks = stages.flatMap((stage, s) =>
    Array.from({ length: stage.depth }, (_, b) => ({
      stage,
      path: [`s${s + 1}`, `b${b + 1}`],
      index: b,
      stride: b === 0 ? 2 : 1,
      closes: b === stage.depth - 1 ? `stage.${s + 1}` : undefined,
    })),
  );
  blocks.forEach(({ stage, path, index, stride, closes }, i) => {
    const dropPath = i === 0 ? 0 : (config.drop_path_rate * i) / (blocks.length - 1);
    const { block: read, branch } = inputsAt(inputs, { index, depths });
    x = block(scope.at(...path), read(x), mode, { stage, branch, stride, dropPath, config });
    if (closes !== undefined) scope.layer(closes, x);
  });
  return x;
}

interface BlockOptions {
  readonly stage: RegnetStage;
  readonly branch: (x: Tensor) => Tensor;
  readonly stride: number;
  readonly dropPath: number;
  readonly config: RegnetConfig;
}

/** relu(shortcut + residual) */
function block(scope: Scope, x: Tensor, mode: Mode, options: BlockOptions): Tensor {
  const { stage, branch, stride, dropPath, config } = options;
  const inner = roundToEven(stage.width * config.bottle_ratio);
  const groups = Math.floor(inner / stage.groupSize);
  const reduced = roundToEven(channelsOf(x) * config.se_ratio);
  return scope.run(() => {
    const narrow = relu(convNorm(scope.at("conv1"), branch(x), inner, 1, mode));
    const grouped = relu(convNorm(scope.at("conv2"), narrow, inner, 3, mode, { stride, groups }));
    const weighed =
      reduced === 0 ? grouped : squeezeExcite(scope.at("se"), grouped, { reduced, names: ["fc1", "fc2"] });
    const residual = convNorm(scope.at("conv3"), weighed, stage.width, 1, mode, {
      normInit: config.zero_init_last ? "zeros" : "ones",
    });
    const changes = stride !== 1 || channelsOf(x) !== stage.width;
    const shortcut = changes ? convNorm(scope.at("downsample"), x, stage.width, 1, mode, { stride }) : x;
    return relu(add(mode.dropPath(x.graph, residual, dropPath, x.shape[0]!), shortcut));
  });
}

/** Convolution and normalisation, `conv` and `bn`. */
function convNorm(
  scope: Scope,
  x: Tensor,
  channels: number,
  kernel: number,
  mode: Mode,
  { normInit = "ones", ...options }: Conv2dOptions & { readonly normInit?: "ones" | "zeros" } = {},
): Tensor {
  const convolved = conv2d(scope.at("conv"), x, channels, kernel, options);
  return batchNorm(scope.at("bn"), convolved, mode, { weightInit: { kind: normInit } });
}

export const regnetBackbone: Backbone<RegnetConfig> = {
  featureMap: regnetFeatureMap,
  pool: (_scope, map) => reduceMean(map, [2, 3]),
  classify: (scope, features, { num_classes }) =>
    linear(scope.at("head", "fc"), features, num_classes, { weightInit: { kind: "normal", std: 0.01 } }),
  lastLayer: "head.fc",
};
