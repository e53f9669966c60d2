// ParaTransCNN by name. No weights were released.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredParatranscnns: readonly RegisteredModel[] = [
  {
    name: "paratranscnn",
    summary: "ParaTransCNN: a ResNet-34 and a transformer side by side, medical segmentation: the configuration alone",
    architecture: "paratranscnn",
    config: {},
  },
  {
    name: "paratranscnn_small",
    summary: "a small ParaTransCNN of our own size, 128 x 128 pixels: the configuration alone",
    architecture: "paratranscnn",
    config: { img_size: 128, dim: 16, heads: 4, depth: [1, 1, 1], channels: [16, 16, 32, 48], layers: [1, 1, 1, 1] },
  },
];
