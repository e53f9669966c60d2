// The network with a Gabor texture branch in the size that its paper's title task would ask for. No weights were released.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredGabors: readonly RegisteredModel[] = [
  {
    name: "gabor_resnet50",
    summary: "ResNet-50 and a branch of learnt Gabor filters on chosen regions: the configuration alone",
    architecture: "gabor",
    config: { backbone: "resnet50", num_classes: 200 },
  },
];
