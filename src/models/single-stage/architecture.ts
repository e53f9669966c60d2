// Single-stage detectors as the registry sees them: official weights, preprocessing.
import { remap } from "../../weights/remap.ts";
import type { Architecture, NamedTensors } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf, fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { type SingleStageConfig, singleStageSchema } from "./config.ts";
import { singleStage } from "./model.ts";

const NAME = "single_stage";

export const singleStageArchitecture: Architecture<SingleStageConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/1708.02002",
  parseConfig: (json) => checkConfig(singleStageSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(singleStageSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return singleStage(scope, image, config, mode);
  },
  adoptWeights,
  classesField: "num_classes",
  transform({ img_size, normalization }) {
    const { height, width } = extentOf(img_size);
    // What fills up is the mean colour, which normalisation makes zero.
    return `letterbox(${width},${height},bilinear,124/116/104,top_left)|normalize(${normalization})`;
  },
  answers: () => "detections",
  suppression: ({ nms_iou }) => nms_iou,
};

/** mmdetection's first release named what FCOS says otherwise. */
const FIRST_RELEASE = { pattern: /(^|\.)fcos_(cls|reg|centerness)\./, to: "$1conv_$2." };

/** What files hold and nothing reads is left out: counters, the sines of relative positions, and those of boxes where classes' are shared. */
function adoptWeights(tensors: NamedTensors, { bvr }: SingleStageConfig): NamedTensors {
  return remap(tensors, [
    [
      COUNTERS,
      FIRST_RELEASE,
      { pattern: /\.base_embedding$/, to: null },
      ...(bvr?.shared_positional_encoding_outer === true
        ? [{ pattern: /^bbox_head\.reg_transformer\.relative_positional_encoding\./, to: null }]
        : []),
    ],
  ]);
}
