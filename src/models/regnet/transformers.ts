// RegNet of huggingface/transformers (models/regnet/modeling_regnet.py) as our `regnet`.
import { z } from "zod";
import { renameTensors, type TransformersFamily, transformersFields } from "../transformers.ts";

const { num_channels, relu, sizes } = transformersFields;

const fields = z.looseObject({
  num_channels,
  hidden_act: relu,
  embedding_size: z.int().default(32),
  hidden_sizes: sizes.default([128, 192, 512, 1088]),
  depths: sizes.default([2, 6, 12, 2]),
  groups_width: z.int().default(64),
  layer_type: z.enum(["x", "y"]).default("y"),
  downsample_in_first_stage: z.literal(true, "the first stage must halve the size").default(true),
});

const LAYER = /^regnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.(layer\.\d+(?:\.attention\.\d+)?|shortcut)\.(.*)$/;

/** The places of a block with squeeze and excitation; without, the last convolution is one earlier. */
const PLACES: Readonly<Record<string, string>> = {
  "layer.0": "conv1",
  "layer.1": "conv2",
  "layer.2": "conv3",
  "layer.2.attention.0": "se.fc1",
  "layer.2.attention.2": "se.fc2",
  "layer.3": "conv3",
  shortcut: "downsample",
};

function rename(name: string): string {
  const [, stage, block, place, rest] = LAYER.exec(name) ?? [];
  const part = place === undefined ? undefined : PLACES[place];
  const moved = part === undefined ? name : `s${Number(stage) + 1}.b${Number(block) + 1}.${part}.${rest}`;
  return moved
    .replace(/^regnet\.embedder\.embedder\./, "stem.")
    .replace(/^classifier\.1\./, "head.fc.")
    .replace(/\.convolution\./, ".conv.")
    .replace(/\.normalization\./, ".bn.");
}

export const transformersRegnet: TransformersFamily = {
  modelType: "regnet",
  architecture: "regnet",
  classifiers: ["RegNetForImageClassification"],
  processor: "ConvNext",
  toConfig(json) {
    const { embedding_size, hidden_sizes, depths, groups_width, layer_type } = fields.parse(json);
    return {
      stem_width: embedding_size,
      widths: hidden_sizes,
      depths,
      group_size: groups_width,
      se_ratio: layer_type === "y" ? 0.25 : 0,
    };
  },
  adoptNames: (tensors) => renameTensors(tensors, rename),
};
