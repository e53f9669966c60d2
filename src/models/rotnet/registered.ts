// RotNet's networks by the options that the repository trains them with. Of these it released AlexNet alone, at a host of large files that no program can ask, so
// it is downloaded by hand.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredRotnets: readonly RegisteredModel[] = [
  {
    name: "rotnet_nin",
    summary: "RotNet's network in network of four blocks, CIFAR-10 of 32 x 32 pixels: the configuration alone",
    architecture: "rotnet",
    config: { arch: "NetworkInNetwork", num_stages: 4, use_avg_on_conv3: false },
  },
  {
    name: "rotnet_alexnet",
    summary: "RotNet's AlexNet with batch normalisation, which says how far a picture was turned",
    architecture: "rotnet",
    config: { arch: "AlexNet", input_size: 224, crop_pct: 0.875, interpolation: "bilinear" },
  },
];
