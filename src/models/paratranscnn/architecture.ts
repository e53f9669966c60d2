// ParaTransCNN as the registry sees it.
import { remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf, fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { type ParatranscnnConfig, paratranscnnSchema } from "./config.ts";
import { paratranscnn } from "./model.ts";

const NAME = "paratranscnn";

export const paratranscnnArchitecture: Architecture<ParatranscnnConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2401.15307",
  parseConfig: (json) => checkConfig(paratranscnnSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, size) => checkConfig(paratranscnnSchema, NAME, { ...config, img_size: imageSizeOf(size) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return paratranscnn(scope, image, config, mode);
  },
  adoptWeights: (tensors) => remap(tensors, [[COUNTERS]]),
  /** The official code gives pictures as values from 0 to 1. */
  transform({ img_size }) {
    const { height, width } = extentOf(img_size);
    return `resize(${width},${height},bicubic)|normalize(none)`;
  },
  classesField: "num_classes",
  answers: () => "semantic",
};
