// The scattering transform, and extractors of other filters, as the registry sees them.
import { UsageError } from "../../errors.ts";
import type { Architecture, ImageInput } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, requireImageSize } from "../image-size.ts";
import { type ScatteringConfig, scatteringSchema } from "./config.ts";
import { type FilterFrameConfig, filterFrame, filterFrameAdmissibility, filterFrameSchema } from "./filter-frame.ts";
import { paddedSize } from "./geometry.ts";
import { scattering } from "./model.ts";

const NAME = "scattering";

/** The size of what comes in: with its padding, if that is the picture's own. */
function sizeOf(config: ScatteringConfig): [height: number, width: number] {
  const { height, width } = paddedSize(config);
  return config.pre_pad ? [height, width] : config.shape;
}

type Size = readonly [height: number, width: number];

/** Pictures of one size, in colour or in grey. */
function inputOf(size: Size, channels: 1 | 3): ImageInput {
  const input = fixedInput([...size]);
  return channels === 1 ? { ...input, channels } : input;
}

/** The picture's middle, as large as it can be. */
function transformOf([height, width]: Size): string {
  return `resize_cover(${width},${height},bilinear)|central_crop(${width},${height})|value_range(0,1)`;
}

export const scatteringArchitecture: Architecture<ScatteringConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/1203.1513",
  parseConfig: (json) => checkConfig(scatteringSchema, NAME, json),
  input: (config) => inputOf(sizeOf(config), config.in_channels),
  build(scope, image, config, mode) {
    requireImageSize(image, sizeOf(config), NAME, "shape");
    return scattering(scope, image, config, mode);
  },
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  transform: (config) => transformOf(sizeOf(config)),
  answers: ({ num_classes }) => (num_classes === 0 ? "embedding" : "classes"),
};

const FRAME = "filter_frame";

/** Refuses filters that may bring pictures farther apart than they are. */
function admissible(config: FilterFrameConfig): FilterFrameConfig {
  const { admissible: holds, layers, bound } = filterFrameAdmissibility(config);
  if (holds) return config;
  const bessel = layers.map((layer) => layer.bessel.toPrecision(3)).join(", ");
  throw new UsageError(
    `the filters of ${FRAME} are not admissible: the frame bounds of its layers are ${bessel}, at most 1 is; differences of pictures may grow by ${bound.toPrecision(3)}`,
    'scale the filters down, or let that be done: "normalize": true',
  );
}

export const filterFrameArchitecture: Architecture<FilterFrameConfig> = {
  name: FRAME,
  paper: "https://arxiv.org/abs/1512.06293",
  parseConfig: (json) => admissible(checkConfig(filterFrameSchema, FRAME, json)),
  input: ({ shape, in_channels }) => inputOf(shape, in_channels),
  build(scope, image, config, mode) {
    requireImageSize(image, config.shape, FRAME, "shape");
    return filterFrame(scope, image, config, mode);
  },
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  transform: ({ shape }) => transformOf(shape),
  answers: ({ num_classes }) => (num_classes === 0 ? "embedding" : "classes"),
};
