// The network with a Gabor texture branch as the registry sees it.
import { remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { timmTransform } from "../timm.ts";
import { type GaborConfig, gaborSchema } from "./config.ts";
import { gaborNetwork } from "./model.ts";

const NAME = "gabor";

export const gaborArchitecture: Architecture<GaborConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2308.05396",
  parseConfig: (json) => checkConfig(gaborSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(gaborSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return gaborNetwork(scope, image, config, mode);
  },
  adoptWeights: (tensors) => remap(tensors, [[COUNTERS]]),
  classesField: "num_classes",
  transform: ({ img_size }) =>
    timmTransform({ size: img_size, crop_pct: 0.875, interpolation: "bilinear", normalization: "imagenet" }),
  answers: () => "classes",
};
