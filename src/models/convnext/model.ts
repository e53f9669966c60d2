// ConvNeXt (Liu et al., CVPR 2022). Reproduces huggingface/pytorch-image-models, timm/models/convnext.py; the official code is
// facebookresearch/ConvNeXt, models/convnext.py.
import { reduceMean } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type Backbone, type BlockInputs, inputsAt } from "../backbone.ts";
import { block, channelsFirst, channelsLast, convolution, EPSILON, TIMM_NAMES } from "./block.ts";
import type { ConvnextConfig } from "./config.ts";

const STEM_STRIDE = 4;

/** image (N, 3, H, W) -> (N, last width, H/32, W/32) for four stages; sizes are rounded down. */
export function convnextFeatureMap(
  scope: Scope,
  image: Tensor,
  config: ConvnextConfig,
  mode: Mode,
  inputs?: BlockInputs,
): Tensor {
  const total = config.depths.reduce((sum, depth) => sum + depth, 0);
  const patches = convolution(scope.at("stem", 0), image, config.dims[0]!, STEM_STRIDE, { stride: STEM_STRIDE });
  let x = layerNorm(scope.at("stem", 1), channelsLast(patches), EPSILON); // (N, H/4, W/4, C)
  let done = 0;
  config.depths.forEach((depth, s) => {
    const stage = scope.at("stages", s);
    if (s > 0) x = downsample(stage.at("downsample"), x, config.dims[s]!);
    for (let b = 0; b < depth; b++) {
      const dropPath = total === 1 ? 0 : (config.drop_path_rate * done++) / (total - 1);
      const { block: read, branch } = inputsAt(inputs, { index: b, depths: config.depths });
      x = block(stage.at("blocks", b), channelsLast(read(channelsFirst(x))), {
        names: TIMM_NAMES,
        asConvolutions: config.conv_mlp,
        scaleStart: config.ls_init_value,
        dropPath,
        mode,
        branch,
      });
    }
    const map = x;
    scope.layer(`stage.${s + 1}`, () => channelsFirst(map));
  });
  return channelsFirst(x);
}

/** x (N, H, W, in) -> (N, H/2, W/2, channels) */
function downsample(scope: Scope, x: Tensor, channels: number): Tensor {
  const normal = layerNorm(scope.at(0), x, EPSILON);
  return channelsLast(convolution(scope.at(1), channelsFirst(normal), channels, 2, { stride: 2 }));
}

export const convnextBackbone: Backbone<ConvnextConfig> = {
  featureMap: convnextFeatureMap,
  pool: (scope, map, { head_norm_eps }) => layerNorm(scope.at("head", "norm"), reduceMean(map, [2, 3]), head_norm_eps),
  classify: (scope, features, { num_classes }) => linear(scope.at("head", "fc"), features, num_classes),
  lastLayer: "head.fc",
};
