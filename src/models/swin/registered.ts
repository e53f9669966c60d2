// Swin by timm's names, with the official weights. The licence is that of microsoft/Swin-Transformer.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

const SIZES = {
  tiny: { embed_dim: 96, depths: [2, 2, 6, 2], num_heads: [3, 6, 12, 24], drop_path_rate: 0.2 },
  small: { embed_dim: 96, depths: [2, 2, 18, 2], num_heads: [3, 6, 12, 24], drop_path_rate: 0.3 },
  base: { embed_dim: 128, depths: [2, 2, 18, 2], num_heads: [4, 8, 16, 32], drop_path_rate: 0.5 },
} as const;

function swin(size: keyof typeof SIZES, window: 7 | 12, side: 224 | 384): RegisteredModel {
  const name = `swin_${size}_patch4_window${window}_${side}`;
  return {
    name,
    summary: `Swin-${size[0]!.toUpperCase()}, windows of ${window} x ${window}, ImageNet-1k`,
    architecture: "swin",
    config: { ...SIZES[size], img_size: side, window_size: window, crop_pct: side === 384 ? 1 : 0.9 },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.ms_in1k`, "MIT"),
  };
}

export const registeredSwins: readonly RegisteredModel[] = [
  swin("tiny", 7, 224),
  swin("small", 7, 224),
  swin("base", 7, 224),
  swin("base", 12, 384),
];
