// The scattering transform as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, requireImageSize } from "../image-size.ts";
import { type ScatteringConfig, scatteringSchema } from "./config.ts";
import { paddedSize } from "./geometry.ts";
import { scattering } from "./model.ts";

const NAME = "scattering";

/** The size of what comes in: with its padding, if that is the picture's own. */
function sizeOf(config: ScatteringConfig): [height: number, width: number] {
  const { height, width } = paddedSize(config);
  return config.pre_pad ? [height, width] : config.shape;
}

export const scatteringArchitecture: Architecture<ScatteringConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/1203.1513",
  parseConfig: (json) => checkConfig(scatteringSchema, NAME, json),
  input(config) {
    const input = fixedInput(sizeOf(config));
    return config.in_channels === 1 ? { ...input, channels: 1 } : input;
  },
  build(scope, image, config, mode) {
    requireImageSize(image, sizeOf(config), NAME, "shape");
    return scattering(scope, image, config, mode);
  },
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  transform(config) {
    const [height, width] = sizeOf(config);
    return `resize_cover(${width},${height},bilinear)|central_crop(${width},${height})|value_range(0,1)`;
  },
  answers: ({ num_classes }) => (num_classes === 0 ? "embedding" : "classes"),
};
