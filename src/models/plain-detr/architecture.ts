// Plain DETR as the registry sees it: official weights, other picture sizes, preprocessing.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf, fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { type PlainDetrConfig, plainDetrSchema } from "./config.ts";
import { plainDetr } from "./model.ts";
import { paddedPlainDetr } from "./padded.ts";

const NAME = "plain_detr";

/** What files hold twice, or follows from the configuration. */
const LEFT_OUT: readonly RenameRule[] = [
  { pattern: /^transformer\.decoder\.(?:bbox_embed|class_embed)\./, to: null },
  { pattern: /\.(?:relative_position_index|relative_coords_table)$/, to: null },
  { pattern: /\.rpe_mlp\./, to: ".cpb_mlp." },
];

export const plainDetrArchitecture: Architecture<PlainDetrConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2308.01904",
  parseConfig: (json) => checkConfig(plainDetrSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(plainDetrSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return (mode.padded ? paddedPlainDetr : plainDetr)(scope, image, config, mode);
  },
  seesPadding: true,
  adoptWeights: (tensors) => remap(tensors, [LEFT_OUT]),
  classesField: "num_classes",
  // The whole picture in its shape, and padding of the mean colour.
  transform({ img_size, normalization }) {
    const { height, width } = extentOf(img_size);
    return `letterbox(${width},${height},bilinear,124/116/104,top_left)|normalize(${normalization})`;
  },
  answers: () => "detections",
};
