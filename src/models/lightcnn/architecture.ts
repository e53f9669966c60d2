// Light CNN as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, requireImageSize } from "../image-size.ts";
import { type LightcnnConfig, lightcnnSchema } from "./config.ts";
import { lightcnn } from "./model.ts";

const NAME = "lightcnn";

export const lightcnnArchitecture: Architecture<LightcnnConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/1511.02683",
  parseConfig: (json) => checkConfig(lightcnnSchema, NAME, json),
  input({ model, img_size }) {
    const input = fixedInput(img_size);
    return model === "LightCNN-V4" ? input : { ...input, channels: 1 };
  },
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return lightcnn(scope, image, config, mode);
  },
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  // Faces are to be aligned before; the official code then only takes the values of 0 to 1.
  transform: ({ img_size }) => `resize_small(${img_size},bilinear)|central_crop(${img_size})|value_range(0,1)`,
  answers: ({ num_classes }) => (num_classes === 0 ? "embedding" : "classes"),
};
