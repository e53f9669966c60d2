// DToP by its configurations (config/prune of the official code), which come without weights: the authors have released none.
import type { RegisteredModel } from "../registered-model.ts";

const SIZES = {
  base: { embed_dims: 768, num_layers: 12, num_heads: 12, out_indices: [5, 7, 11], drop_path_rate: 0.1 },
  large: { embed_dims: 1024, num_layers: 24, num_heads: 16, out_indices: [7, 15, 23], drop_path_rate: 0.3 },
} as const;

interface Dataset {
  readonly name: string;
  readonly title: string;
  readonly num_classes: number;
  readonly img_size: number;
  /** Of the heads' attention. */
  readonly num_heads: number;
}

function dtop(size: keyof typeof SIZES, { name, title, num_heads, ...fields }: Dataset): RegisteredModel {
  const isLarge = size === "large";
  return {
    name: `dtop_${size}_${name}`,
    summary: `DToP over ViT-${isLarge ? "L" : "B"}, ${title}: the configuration alone`,
    architecture: "dtop",
    config: {
      ...fields,
      backbone: SIZES[size],
      head: { channels: SIZES[size].embed_dims / 2, num_heads },
      thresh: isLarge ? 0.95 : 0.9,
      normalization: isLarge ? "inception" : "imagenet",
    },
  };
}

export const registeredDtops: readonly RegisteredModel[] = [
  dtop("base", { name: "ade20k", title: "ADE20K", num_classes: 150, img_size: 512, num_heads: 6 }),
  dtop("large", { name: "ade20k", title: "ADE20K", num_classes: 150, img_size: 640, num_heads: 8 }),
  dtop("large", { name: "pascal_context", title: "Pascal Context", num_classes: 59, img_size: 480, num_heads: 16 }),
  dtop("large", { name: "coco_stuff10k", title: "COCO-Stuff 10k", num_classes: 171, img_size: 512, num_heads: 16 }),
];
