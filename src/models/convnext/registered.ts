// ConvNeXts by timm's names: the paper's, and timm's smaller ones.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

interface Size {
  readonly depths: readonly number[];
  readonly width: number;
  readonly tag: string;
  readonly conv_mlp?: boolean;
  readonly crop_pct?: number;
}

function convnext(size: string, { depths, width, tag, ...rest }: Size): RegisteredModel {
  const name = `convnext_${size}`;
  return {
    name,
    summary: `ConvNeXt-${size[0]!.toUpperCase()}${size.slice(1)}, ImageNet-1k`,
    architecture: "convnext",
    config: { depths, dims: [1, 2, 4, 8].map((factor) => factor * width), ...rest },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.${tag}`, "Apache-2.0"),
  };
}

export const registeredConvnexts: readonly RegisteredModel[] = [
  convnext("atto", { depths: [2, 2, 6, 2], width: 40, tag: "d2_in1k", conv_mlp: true }),
  convnext("femto", { depths: [2, 2, 6, 2], width: 48, tag: "d1_in1k", conv_mlp: true }),
  convnext("pico", { depths: [2, 2, 6, 2], width: 64, tag: "d1_in1k", conv_mlp: true }),
  convnext("nano", { depths: [2, 2, 8, 2], width: 80, tag: "d1h_in1k", conv_mlp: true, crop_pct: 0.95 }),
  convnext("tiny", { depths: [3, 3, 9, 3], width: 96, tag: "fb_in1k" }),
  convnext("small", { depths: [3, 3, 27, 3], width: 96, tag: "fb_in1k" }),
  convnext("base", { depths: [3, 3, 27, 3], width: 128, tag: "fb_in1k" }),
];
