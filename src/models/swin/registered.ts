// The Swin family. Swin by timm's names, with timm's copies of the official weights where timm's card was read, else with the official files; v2 and Swin-MLP by the
// official names, which official files are called by. The licence is that of microsoft/Swin-Transformer.
import type { OfficialFile, RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";
import { CLASSES_22K } from "./imagenet-22k.ts";

const SIZES = {
  tiny: { embed_dim: 96, depths: [2, 2, 6, 2], num_heads: [3, 6, 12, 24], drop_path_rate: 0.2 },
  small: { embed_dim: 96, depths: [2, 2, 18, 2], num_heads: [3, 6, 12, 24], drop_path_rate: 0.3 },
  base: { embed_dim: 128, depths: [2, 2, 18, 2], num_heads: [4, 8, 16, 32], drop_path_rate: 0.5 },
  large: { embed_dim: 192, depths: [2, 2, 18, 2], num_heads: [6, 12, 24, 48], drop_path_rate: 0.2 },
} as const;

type Size = keyof typeof SIZES;

const letterOf = (size: Size) => size[0]!.toUpperCase();

/** The official evaluation's; timm has 0.9 for Swin. */
const CROP = 224 / 256;

/** An asset of the releases that MODELHUB.md of the official repository links. */
function released(version: string, file: string): OfficialFile {
  return {
    url: `https://github.com/SwinTransformer/storage/releases/download/v${version}/${file}.pth`,
    licence: "MIT",
  };
}

/** On ImageNet-1k. */
function swin(size: Size, window: 7 | 12, file?: OfficialFile): RegisteredModel {
  const side = window === 7 ? 224 : 384;
  const name = `swin_${size}_patch4_window${window}_${side}`;
  const before = size === "large" ? "ImageNet-22k, then 1k" : "ImageNet-1k";
  return {
    name,
    summary: `Swin-${letterOf(size)}, windows of ${window} x ${window}, ${before}`,
    architecture: "swin",
    config: { ...SIZES[size], img_size: side, window_size: window, crop_pct: side === 384 ? 1 : 0.9 },
    labels: "imagenet-1k",
    weights: file ?? timmWeights(`${name}.ms_in1k`, "MIT"),
  };
}

/** On ImageNet-22k. */
function swin22k(size: Size, window: 7 | 12, version: string): RegisteredModel {
  const { name, config } = swin(size, window);
  return {
    name: `${name}_22k`,
    summary: `Swin-${letterOf(size)}, windows of ${window} x ${window}, ImageNet-22k`,
    architecture: "swin",
    config: { ...config, num_classes: CLASSES_22K },
    weights: released(version, `${name}_22k`),
  };
}

/** v2 trained as it is. */
function swinv2(size: "tiny" | "small" | "base", window: 8 | 16): RegisteredModel {
  const name = `swinv2_${size}_patch4_window${window}_256`;
  return {
    name,
    timmName: `swinv2_${size}_window${window}_256`,
    summary: `Swin v2 ${letterOf(size)}, windows of ${window} x ${window}, ImageNet-1k`,
    architecture: "swinv2",
    config: { ...SIZES[size], img_size: 256, window_size: window, crop_pct: CROP },
    labels: "imagenet-1k",
    weights: released("2.0.0", name),
  };
}

const PRETRAINED_WINDOWS = { 192: 12, 256: 16, 384: 24 } as const;

/** v2 of 192 pixels on ImageNet-22k, and what became of it on larger pictures of ImageNet-1k: windows grew, distances are those of the smaller ones. */
function pretrainedSwinv2(size: "base" | "large", side: keyof typeof PRETRAINED_WINDOWS): RegisteredModel {
  const window = PRETRAINED_WINDOWS[side];
  const isPretrained = side === 192;
  const name = `swinv2_${size}_patch4_window12${isPretrained ? "_192_22k" : `to${window}_192to${side}_22kto1k_ft`}`;
  return {
    name,
    timmName: `swinv2_${size}_window12${isPretrained ? "_192" : `to${window}_192to${side}`}`,
    summary: `Swin v2 ${letterOf(size)}, windows of ${window} x ${window}, ImageNet-22k${isPretrained ? "" : ", then 1k"}`,
    architecture: "swinv2",
    config: {
      ...SIZES[size],
      drop_path_rate: 0.2,
      img_size: side,
      window_size: window,
      crop_pct: side === 384 ? 1 : CROP,
      ...(isPretrained ? { num_classes: CLASSES_22K } : { pretrained_window_sizes: [12, 12, 12, 6] }),
    },
    ...(isPretrained ? {} : { labels: "imagenet-1k" as const }),
    weights: released("2.0.0", name),
  };
}

/** Heads of 24, 12 or 6 channels; those of the larger one have 32. */
function swinMlp(variant: "tiny_c24" | "tiny_c12" | "tiny_c6" | "base"): RegisteredModel {
  const { size, side, window, heads } = {
    tiny_c24: { size: "tiny", side: 256, window: 8, heads: 4 },
    tiny_c12: { size: "tiny", side: 256, window: 8, heads: 8 },
    tiny_c6: { size: "tiny", side: 256, window: 8, heads: 16 },
    base: { size: "base", side: 224, window: 7, heads: 4 },
  }[variant] as { readonly size: Size; readonly side: number; readonly window: number; readonly heads: number };
  const name = `swin_mlp_${variant}_patch4_window${window}_${side}`;
  return {
    name,
    summary: `Swin-MLP-${letterOf(size)}, ${heads} heads at first, ImageNet-1k`,
    architecture: "swin_mlp",
    config: {
      ...SIZES[size],
      num_heads: [1, 2, 4, 8].map((factor) => factor * heads),
      img_size: side,
      window_size: window,
      crop_pct: CROP,
    },
    labels: "imagenet-1k",
    weights: released("1.0.5", name),
  };
}

export const registeredSwins: readonly RegisteredModel[] = [
  swin("tiny", 7),
  swin("small", 7),
  swin("base", 7),
  swin("base", 12),
  swin("large", 7, released("1.0.0", "swin_large_patch4_window7_224_22kto1k")),
  swin("large", 12, released("1.0.0", "swin_large_patch4_window12_384_22kto1k")),
  swin22k("tiny", 7, "1.0.8"),
  swin22k("small", 7, "1.0.8"),
  swin22k("base", 7, "1.0.0"),
  swin22k("base", 12, "1.0.0"),
  swin22k("large", 7, "1.0.0"),
  swin22k("large", 12, "1.0.0"),
  swinv2("tiny", 8),
  swinv2("tiny", 16),
  swinv2("small", 8),
  swinv2("small", 16),
  swinv2("base", 8),
  swinv2("base", 16),
  pretrainedSwinv2("base", 192),
  pretrainedSwinv2("base", 256),
  pretrainedSwinv2("base", 384),
  pretrainedSwinv2("large", 192),
  pretrainedSwinv2("large", 256),
  pretrainedSwinv2("large", 384),
  swinMlp("tiny_c24"),
  swinMlp("tiny_c12"),
  swinMlp("tiny_c6"),
  swinMlp("base"),
];
