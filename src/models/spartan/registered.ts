// SpaRTAN by the configuration that the repository has. Where its weights are, its page does not say; those of SpaRTAN-S load by their shapes.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredSpartans: readonly RegisteredModel[] = [
  {
    name: "spartan_tiny",
    summary: "SpaRTAN-T, ImageNet-1k: the configuration alone",
    architecture: "spartan",
    config: {
      layer_depths: [3, 3, 12, 2],
      expand_ratios: [4, 4, 2, 2],
      init_dim: 32,
      dims: [64, 128, 256],
      dropout: 0.1,
    },
    labels: "imagenet-1k",
  },
];
