// GLSim as the registry sees it.
import { remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, requireImageSize } from "../image-size.ts";
import { type GlsimConfig, glsimSchema } from "./config.ts";
import { glsim } from "./model.ts";

const NAME = "glsim";

/** Prefix of all names in released files, and a token that is in them and that nothing reads. */
const RELEASED = [[{ pattern: /^model\./, to: "" }], [{ pattern: /^anchor_class_token$/, to: null }]];

export const glsimArchitecture: Architecture<GlsimConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2407.12891",
  parseConfig: (json) => checkConfig(glsimSchema, NAME, json),
  input: ({ image_size }) => fixedInput(image_size),
  build(scope, image, config, mode) {
    requireImageSize(image, config.image_size, NAME);
    return glsim(scope, image, config, mode);
  },
  adoptWeights: (tensors) => remap(tensors, RELEASED),
  classesField: "num_classes",
  transform({ image_size }) {
    const resized = Math.floor((image_size * 300) / 224);
    return `resize(${resized},${resized},bicubic)|central_crop(${image_size})|normalize(imagenet)`;
  },
  answers: () => "classes",
};
