// The image encoders of SAM by name (facebookresearch/segment-anything, segment_anything/build_sam.py). Each official file holds a whole SAM, of which the
// encoder alone is read.
import type { RegisteredModel } from "../registered-model.ts";

const SIZES = {
  b: {
    file: "sam_vit_b_01ec64",
    config: { embed_dim: 768, depth: 12, num_heads: 12, global_attn_indexes: [2, 5, 8, 11] },
  },
  l: {
    file: "sam_vit_l_0b3195",
    config: { embed_dim: 1024, depth: 24, num_heads: 16, global_attn_indexes: [5, 11, 17, 23] },
  },
  h: {
    file: "sam_vit_h_4b8939",
    config: { embed_dim: 1280, depth: 32, num_heads: 16, global_attn_indexes: [7, 15, 23, 31] },
  },
} as const;

function sam(size: keyof typeof SIZES): RegisteredModel {
  const { file, config } = SIZES[size];
  return {
    name: `sam_vit_${size}`,
    summary: `image encoder of SAM ViT-${size.toUpperCase()}: a map of features of 1024 x 1024 pixels, and their mean as an embedding`,
    architecture: "sam",
    config,
    weights: { url: `https://dl.fbaipublicfiles.com/segment_anything/${file}.pth`, licence: "Apache-2.0" },
  };
}

export const registeredSams: readonly RegisteredModel[] = [sam("b"), sam("l"), sam("h")];
