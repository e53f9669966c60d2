// FaceXFormer as the registry sees it.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf, fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { type FacexformerConfig, facexformerSchema } from "./config.ts";
import { facexformer } from "./model.ts";

const NAME = "facexformer";

/** What the official file has besides: indexes that follow from the windows, and the backbone's last normalisation, which no answer reads. */
const UNREAD: readonly RenameRule[] = [
  { pattern: /\.relative_position_index$/, to: null },
  { pattern: /^backbone\.1\./, to: null },
];

export const facexformerArchitecture: Architecture<FacexformerConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2403.12960",
  parseConfig: (json) => checkConfig(facexformerSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, size) => checkConfig(facexformerSchema, NAME, { ...config, img_size: imageSizeOf(size) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return facexformer(scope, image, config, mode);
  },
  adoptWeights: (tensors) => remap(tensors, [UNREAD]),
  transform({ img_size }) {
    const { height, width } = extentOf(img_size);
    return `resize(${width},${height},bicubic)|normalize(imagenet)`;
  },
  classesField: "transformer_dim",
  answers: () => "faces",
};
