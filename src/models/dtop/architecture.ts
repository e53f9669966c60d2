// DToP as the registry sees it: official weights, other picture sizes, preprocessing.
import type { Architecture, NamedTensors } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, gridOf, imageSizeOf, requireImageSize } from "../image-size.ts";
import { resamplePositions } from "../positions.ts";
import { timmTransform } from "../timm.ts";
import { type DtopConfig, dtopSchema } from "./config.ts";
import { dtop } from "./model.ts";
import { withStop } from "./stop.ts";

const NAME = "dtop";

export const dtopArchitecture: Architecture<DtopConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2308.01045",
  parseConfig: (json) => checkConfig(dtopSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(dtopSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  reduceTokens: withStop,
  allTokens: (config) => ({ ...config, thresh: 1 }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return dtop(scope, image, config, mode);
  },
  adoptWeights,
  isMadeFor: (tensors, config) =>
    tensors.get(POSITIONS)?.shape.join() === [1, 1 + patchCount(config), config.backbone.embed_dims].join() &&
    tensors.has(`backbone.layers.${config.backbone.num_layers - 1}.ln1.weight`),
  classesField: "num_classes",
  transform: ({ img_size, normalization }) =>
    timmTransform({ size: img_size, crop_pct: 1, interpolation: "bilinear", normalization }),
  answers: () => "semantic",
};

const POSITIONS = "backbone.pos_embed";

function patchCount({ img_size, backbone }: DtopConfig): number {
  const { height, width } = gridOf(img_size, backbone.patch_size);
  return height * width;
}

/** Positions are resampled to the configured size. */
function adoptWeights(tensors: NamedTensors, { img_size, backbone }: DtopConfig): NamedTensors {
  const positions = tensors.get(POSITIONS);
  if (positions === undefined) return tensors;
  return new Map(tensors).set(POSITIONS, resamplePositions(positions, 1, gridOf(img_size, backbone.patch_size)));
}
