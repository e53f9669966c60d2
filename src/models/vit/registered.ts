// ViT and DeiT by timm's names. ViT: the AugReg weights (Steiner et al., 2021), trained on ImageNet-21k and then on ImageNet-1k.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

const SIZES = {
  tiny: { embed_dim: 192, num_heads: 3 },
  small: { embed_dim: 384, num_heads: 6 },
  base: { embed_dim: 768, num_heads: 12 },
} as const;

type Size = keyof typeof SIZES;

const LETTERS = { tiny: "Ti", small: "S", base: "B" } as const;

function vit(size: Size, patch: 16 | 32, side: 224 | 384, tag = "augreg_in21k_ft_in1k"): RegisteredModel {
  const name = `vit_${size}_patch${patch}_${side}`;
  return {
    name,
    summary: `ViT-${LETTERS[size]}/${patch}, ImageNet-21k, then ImageNet-1k`,
    architecture: "vit",
    config: {
      ...SIZES[size],
      img_size: side,
      patch_size: patch,
      crop_pct: side === 384 ? 1 : 0.9,
      normalization: "inception",
    },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.${tag}`, "Apache-2.0"),
  };
}

function deit(size: Size, side: 224 | 384, distilled: boolean): RegisteredModel {
  const name = `deit_${size}${distilled ? "_distilled" : ""}_patch16_${side}`;
  return {
    name,
    summary: `DeiT-${LETTERS[size]}${distilled ? ", taught by a convolutional network" : ""}, ImageNet-1k`,
    architecture: "vit",
    config: { ...SIZES[size], img_size: side, crop_pct: side === 384 ? 1 : 0.9, distilled },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.fb_in1k`, "Apache-2.0"),
  };
}

/** DeiTs that DynamicViT thinned and trained on (raoyongming/DynamicViT, README), and how they were measured. */
function dynamicvit(size: Size, file: string): RegisteredModel {
  return {
    name: `dynamicvit_deit_${size}_patch16_224`,
    summary: `DynamicViT over DeiT-${LETTERS[size]}, 70 % of the tokens three times, ImageNet-1k`,
    architecture: "vit",
    config: { ...SIZES[size], img_size: 224, crop_pct: 0.875, tokens: "keep=0.7@3,6,9:dynamicvit" },
    labels: "imagenet-1k",
    weights: { url: `https://cloud.tsinghua.edu.cn/f/${file}/?dl=1`, licence: "MIT" },
  };
}

export const registeredVits: readonly RegisteredModel[] = [
  vit("tiny", 16, 224),
  vit("small", 16, 224),
  vit("small", 32, 224),
  vit("base", 16, 224, "augreg2_in21k_ft_in1k"),
  vit("base", 32, 224),
  vit("base", 16, 384),
  ...[false, true].flatMap((distilled) => [
    ...(["tiny", "small", "base"] as const).map((size) => deit(size, 224, distilled)),
    deit("base", 384, distilled),
  ]),
  dynamicvit("small", "698896dfbcea430b9591"),
  dynamicvit("base", "660f27ddb6b945a797a8"),
];
