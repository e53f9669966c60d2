// ConvNeXts by timm's names: the paper's, and timm's smaller ones, with timm's weights where its card was read, else with the official files; isotropic ones by the
// official names.
import type { OfficialFile, RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

interface Size {
  readonly depths: readonly number[];
  readonly width: number;
  /** timm's, or the official file. */
  readonly weights: string | OfficialFile;
  /** What it was trained on before ImageNet-1k. */
  readonly before?: "ImageNet-22k";
  readonly conv_mlp?: boolean;
  readonly crop_pct?: number;
}

function convnext(size: string, { depths, width, weights, before, ...rest }: Size): RegisteredModel {
  const name = `convnext_${size}`;
  return {
    name,
    summary: `ConvNeXt-${size[0]!.toUpperCase()}${size.slice(1)}, ${before === undefined ? "ImageNet-1k" : `${before}, then 1k`}`,
    architecture: "convnext",
    config: { depths, dims: [1, 2, 4, 8].map((factor) => factor * width), ...rest },
    labels: "imagenet-1k",
    weights: typeof weights === "string" ? timmWeights(`${name}.${weights}`, "Apache-2.0") : weights,
  };
}

/** A file that the official repository's README links; the repository's licence. */
function official(file: string): OfficialFile {
  return { url: `https://dl.fbaipublicfiles.com/convnext/${file}.pth`, licence: "MIT" };
}

function isotropic(size: "small" | "base" | "large", depth: number, dim: number): RegisteredModel {
  return {
    name: `convnext_isotropic_${size}`,
    summary: `Isotropic ConvNeXt-${size[0]!.toUpperCase()}, ImageNet-1k`,
    architecture: "convnext_isotropic",
    config: { depth, dim },
    labels: "imagenet-1k",
    weights: official(`convnext_iso_${size}_1k_224_ema`),
  };
}

export const registeredConvnexts: readonly RegisteredModel[] = [
  convnext("atto", { depths: [2, 2, 6, 2], width: 40, weights: "d2_in1k", conv_mlp: true }),
  convnext("femto", { depths: [2, 2, 6, 2], width: 48, weights: "d1_in1k", conv_mlp: true }),
  convnext("pico", { depths: [2, 2, 6, 2], width: 64, weights: "d1_in1k", conv_mlp: true }),
  convnext("nano", { depths: [2, 2, 8, 2], width: 80, weights: "d1h_in1k", conv_mlp: true, crop_pct: 0.95 }),
  convnext("tiny", { depths: [3, 3, 9, 3], width: 96, weights: "fb_in1k" }),
  convnext("small", { depths: [3, 3, 27, 3], width: 96, weights: "fb_in1k" }),
  convnext("base", { depths: [3, 3, 27, 3], width: 128, weights: "fb_in1k" }),
  convnext("large", { depths: [3, 3, 27, 3], width: 192, weights: official("convnext_large_1k_224_ema") }),
  convnext("xlarge", {
    depths: [3, 3, 27, 3],
    width: 256,
    weights: official("convnext_xlarge_22k_1k_224_ema"),
    before: "ImageNet-22k",
  }),
  isotropic("small", 18, 384),
  isotropic("base", 18, 768),
  isotropic("large", 36, 1024),
];
