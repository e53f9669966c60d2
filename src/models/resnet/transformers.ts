// ResNet of huggingface/transformers (models/resnet/modeling_resnet.py) as our `resnet`.
import { z } from "zod";
import { renameTensors, type TransformersFamily, transformersFields } from "../transformers.ts";

const { num_channels, relu, sizes } = transformersFields;

const fields = z
  .looseObject({
    num_channels,
    hidden_act: relu,
    embedding_size: z.int().default(64),
    hidden_sizes: sizes.default([256, 512, 1024, 2048]),
    depths: sizes.default([3, 4, 6, 3]),
    layer_type: z.enum(["basic", "bottleneck"]).default("bottleneck"),
    downsample_in_first_stage: z.literal(false, "the first stage must keep the size").default(false),
    downsample_in_bottleneck: z.literal(false, "the stride must be in the 3 x 3 convolution").default(false),
  })
  .refine(
    ({ layer_type, hidden_sizes }) => layer_type === "basic" || hidden_sizes.every((size) => size % 4 === 0),
    "hidden_sizes of bottlenecks must be multiples of four",
  );

const LAYER =
  /^resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|(shortcut))\.(convolution|normalization)\.(.*)$/;

function rename(name: string): string {
  const [, stage, block, layer, shortcut, kind, rest] = LAYER.exec(name) ?? [];
  if (stage === undefined)
    return name
      .replace(/^resnet\.embedder\.embedder\.convolution\./, "conv1.")
      .replace(/^resnet\.embedder\.embedder\.normalization\./, "bn1.")
      .replace(/^classifier\.1\./, "fc.");
  const at = `layer${Number(stage) + 1}.${block}`;
  const isConvolution = kind === "convolution";
  if (shortcut !== undefined) return `${at}.downsample.${isConvolution ? 0 : 1}.${rest}`;
  return `${at}.${isConvolution ? "conv" : "bn"}${Number(layer) + 1}.${rest}`;
}

export const transformersResnet: TransformersFamily = {
  modelType: "resnet",
  architecture: "resnet",
  classifiers: ["ResNetForImageClassification"],
  processor: "ConvNext",
  toConfig(json) {
    const { embedding_size, hidden_sizes, depths, layer_type } = fields.parse(json);
    const isBasic = layer_type === "basic";
    return {
      block: isBasic ? "BasicBlock" : "Bottleneck",
      layers: depths,
      stem_channels: embedding_size,
      channels: isBasic ? hidden_sizes : hidden_sizes.map((size) => size / 4),
    };
  },
  adoptNames: (tensors) => renameTensors(tensors, rename),
};
