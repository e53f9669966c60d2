// DHVT by the configurations of the paper, under the official names. The authors have released no weights.
import type { RegisteredModel } from "../registered-model.ts";

interface Size {
  readonly embed_dim: number;
  readonly num_heads: number;
}

function dhvt(size: "tiny" | "small", { embed_dim, num_heads }: Size, patch_size: 2 | 4 | 16): RegisteredModel {
  const isCifar = patch_size < 16;
  const letter = size === "tiny" ? "T" : "S";
  const data = isCifar
    ? { num_classes: 100, img_size: 32, crop_pct: 1 }
    : { num_classes: 1000, img_size: 224, crop_pct: 0.875 };
  return {
    name: `dhvt_${size}_${isCifar ? "cifar" : "imagenet"}_patch${patch_size}`,
    summary: `DHVT-${letter}/${patch_size}, ${isCifar ? "CIFAR-100" : "ImageNet-1k"}: the configuration alone`,
    architecture: "dhvt",
    config: { embed_dim, num_heads, patch_size, ...data },
    ...(isCifar ? {} : { labels: "imagenet-1k" as const }),
  };
}

export const registeredDhvts: readonly RegisteredModel[] = [
  dhvt("tiny", { embed_dim: 192, num_heads: 4 }, 4),
  dhvt("tiny", { embed_dim: 192, num_heads: 4 }, 2),
  dhvt("small", { embed_dim: 384, num_heads: 8 }, 4),
  dhvt("small", { embed_dim: 384, num_heads: 8 }, 2),
  dhvt("tiny", { embed_dim: 192, num_heads: 3 }, 16),
  dhvt("small", { embed_dim: 384, num_heads: 6 }, 16),
];
