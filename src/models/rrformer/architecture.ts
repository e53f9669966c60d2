// RRFormer as the registry sees it.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf, fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { type RrformerConfig, rrformerSchema } from "./config.ts";
import { rrformer } from "./model.ts";

const NAME = "rrformer";

/** What the official file has besides: tables that follow from the configuration, and a last layer that nothing reads. */
const DERIVED: readonly RenameRule[] = [
  { pattern: /\.(?:attn_mask|relative_position_index)$/, to: null },
  { pattern: /^swinir_block\.conv_last\./, to: null },
];

/** The transformer, where nothing reads what it gives. */
const TRANSFORMER: readonly RenameRule[] = [{ pattern: /^swinir_block\./, to: null }];

export const rrformerArchitecture: Architecture<RrformerConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2308.00265",
  parseConfig: (json) => checkConfig(rrformerSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, size) => checkConfig(rrformerSchema, NAME, { ...config, img_size: imageSizeOf(size) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return rrformer(scope, image, config, mode);
  },
  adoptWeights: (tensors, config) => remap(tensors, [DERIVED, config.bypass_transformer ? TRANSFORMER : []]),
  transform({ img_size }) {
    const { height, width } = extentOf(img_size);
    return `resize(${width},${height},bicubic)`;
  },
  classesField: "n_feats",
  answers: () => "picture",
};
