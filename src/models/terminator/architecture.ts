// Terminator as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, requireImageSize } from "../image-size.ts";
import { timmTransform } from "../timm.ts";
import { type TerminatorConfig, terminatorSchema } from "./config.ts";
import { terminator } from "./model.ts";

const NAME = "terminator";

export const terminatorArchitecture: Architecture<TerminatorConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2401.17948",
  parseConfig: (json) => checkConfig(terminatorSchema, NAME, json),
  input: ({ size }) => fixedInput(size),
  build(scope, image, config, mode) {
    requireImageSize(image, config.size, NAME);
    return terminator(scope, image, config, mode);
  },
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  transform: ({ size, interpolation, normalization }) =>
    timmTransform({ size, crop_pct: 1, interpolation, normalization }),
  answers: () => "classes",
};
