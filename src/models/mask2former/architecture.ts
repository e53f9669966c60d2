// Mask2Former as the registry sees it: official weights, other picture sizes, preprocessing, the stages of a gated one.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { timmTransform } from "../timm.ts";
import { type Mask2formerConfig, mask2formerSchema } from "./config.ts";
import { gatedStage, gatedSteps, mask2former } from "./model.ts";

const NAME = "mask2former";

/** What follows from the configuration or belongs to the loss, and the name that query_feat had at first. */
const OFFICIAL: readonly RenameRule[] = [
  { pattern: /\.(?:attn_mask|relative_position_index)$/, to: null },
  { pattern: /^(?:criterion\.|pixel_mean$|pixel_std$)/, to: null },
  { pattern: /\.static_query\.weight$/, to: ".query_feat.weight" },
];

/** Layers that a fixed exit leaves out, and a gate that is not asked. */
const beyond = ({ encoder_layers, exit, gate }: Mask2formerConfig): readonly RenameRule[] => {
  const encoder = "^sem_seg_head\\.pixel_decoder\\.transformer\\.encoder\\.";
  const left = Array.from({ length: encoder_layers - (exit ?? encoder_layers) }, (_, i) => exit! + i);
  return [
    ...left.map((layer) => ({ pattern: new RegExp(`${encoder}layers\\.${layer}\\.`), to: null })),
    ...(gate === true ? [] : [{ pattern: new RegExp(`${encoder}gt\\.`), to: null }]),
  ];
};

export const mask2formerArchitecture: Architecture<Mask2formerConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2112.01527",
  parseConfig: (json) => checkConfig(mask2formerSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(mask2formerSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return mask2former(scope, image, config, mode);
  },
  gated: { looksInSteps: false, steps: gatedSteps, build: gatedStage },
  adoptWeights: (tensors, config) => remap(tensors, [OFFICIAL, beyond(config)]),
  isMadeFor: (tensors, { backbone, num_classes, gate }) =>
    tensors.get("backbone.patch_embed.proj.weight")?.shape[0] === backbone.embed_dim &&
    tensors.get("sem_seg_head.predictor.class_embed.weight")?.shape[0] === num_classes + 1 &&
    tensors.has("sem_seg_head.pixel_decoder.transformer.encoder.gt.head.weight") === (gate === true) &&
    backbone.depths.every((depth, stage) => tensors.has(`backbone.layers.${stage}.blocks.${depth - 1}.norm1.weight`)),
  classesField: "num_classes",
  transform: ({ img_size, ...data }) => timmTransform({ ...data, size: img_size }),
  answers: () => "queries",
  things: ({ things }) => things,
};
