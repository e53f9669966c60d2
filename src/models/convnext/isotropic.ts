// The isotropic ConvNeXt (Liu et al., CVPR 2022, section 3.3): patches of 16 x 16 pixels as ViT has them, then blocks of one size. Reproduces
// facebookresearch/ConvNeXt, models/convnext_isotropic.py, under its names.
import { reduceMean } from "../../graph/build.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import { risingRates } from "../../nn/transformer-block.ts";
import { type Backbone, inputsAt } from "../backbone.ts";
import { block, channelsFirst, channelsLast, convolution, EPSILON, OFFICIAL_NAMES } from "./block.ts";
import type { IsotropicConfig } from "./config.ts";

const PATCH = 16;

export const isotropicBackbone: Backbone<IsotropicConfig> = {
  featureMap(scope, image, { dim, depth, drop_path_rate, layer_scale_init_value: start }, mode, inputs) {
    let x = channelsLast(convolution(scope.at("stem"), image, dim, PATCH, { stride: PATCH })); // (N, H/16, W/16, dim)
    for (const [index, dropPath] of risingRates(depth, drop_path_rate).entries()) {
      const { block: read, branch } = inputsAt(inputs, { index, depths: [depth] });
      x = block(scope.at("blocks", index), channelsLast(read(channelsFirst(x))), {
        names: OFFICIAL_NAMES,
        asConvolutions: false,
        scaleStart: start === 0 ? null : start,
        dropPath,
        mode,
        branch,
      });
      const map = x;
      scope.layer(`block.${index + 1}`, () => channelsFirst(map));
    }
    return channelsFirst(x);
  },
  pool: (scope, map) => layerNorm(scope.at("norm"), reduceMean(map, [2, 3]), EPSILON),
  classify: (scope, features, { num_classes }) => linear(scope.at("head"), features, num_classes),
  lastLayer: "head",
};
