// RRFormer by name. No weights were released.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredRrformers: readonly RegisteredModel[] = [
  {
    name: "rrformer",
    summary:
      "RRFormer as released, whose transformer has no effect: takes reflections out of pictures. The configuration alone",
    architecture: "rrformer",
    config: {},
  },
  {
    name: "rrformer_intended",
    summary: "RRFormer with its transformer at work: takes reflections out of pictures. The configuration alone",
    architecture: "rrformer",
    config: { bypass_transformer: false },
  },
  {
    name: "rrformer_small",
    summary:
      "a small RRFormer of our own size, without VGG-19: takes reflections out of pictures. The configuration alone",
    architecture: "rrformer",
    config: {
      img_size: 64,
      hypercolumn: false,
      n_feats: 24,
      embed_dim: 36,
      depths: [2, 2],
      num_heads: [3, 3],
      bypass_transformer: false,
    },
  },
];
