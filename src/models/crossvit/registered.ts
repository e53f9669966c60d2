// CrossViT by timm's names, with the official weights. The licence is that of IBM/CrossViT.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

/** Width of the first branch (the second's is twice that), heads, blocks of the second branch in a stage, perceptron's ratio. */
const SIZES = {
  tiny: [96, 3, 4, 4],
  small: [192, 6, 4, 4],
  base: [384, 12, 4, 4],
  9: [128, 4, 3, 3],
  15: [192, 6, 5, 3],
  18: [224, 7, 6, 3],
} as const;

type Variant = "plain" | "dagger";

function crossvit(size: keyof typeof SIZES, variant: Variant = "plain", side: 240 | 408 = 240): RegisteredModel {
  const [width, heads, blocks, ratio] = SIZES[size];
  const name = `crossvit_${size}${variant === "dagger" ? "_dagger" : ""}_${side}`;
  const letter = typeof size === "number" ? size : { tiny: "Ti", small: "S", base: "B" }[size];
  return {
    name,
    summary: `CrossViT-${letter}${variant === "dagger" ? "†" : ""}, ImageNet-1k`,
    architecture: "crossvit",
    config: {
      img_size: side,
      img_scale: [1, side === 408 ? 384 / 408 : 224 / 240],
      embed_dim: [width, 2 * width],
      depth: Array.from({ length: 3 }, () => [1, blocks, 0]),
      num_heads: [heads, heads],
      mlp_ratio: [ratio, ratio],
      multi_conv: variant === "dagger",
      crop_pct: side === 408 ? 1 : 0.875,
    },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.in1k`, "Apache-2.0"),
  };
}

export const registeredCrossvits: readonly RegisteredModel[] = [
  crossvit("tiny"),
  crossvit("small"),
  crossvit("base"),
  crossvit(9),
  crossvit(15),
  crossvit(18),
  crossvit(9, "dagger"),
  crossvit(15, "dagger"),
  crossvit(18, "dagger"),
  crossvit(15, "dagger", 408),
  crossvit(18, "dagger", 408),
];
