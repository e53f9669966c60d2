// The released AdaptiveNN (LeapLabTHU/AdaptiveNN, GET_STARTED.md). Its file is on a drive that hands out pages, not files, to programs: download it by hand
// from the address that docs/glance-and-focus.md gives, and load it with the name of its model.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredAdaptivenns: readonly RegisteredModel[] = [
  {
    name: "adaptivenn_deit_small",
    summary:
      "AdaptiveNN over DeiT-S: a glance and up to 4 fixations of 112 x 112 in a picture of 288 x 288, ImageNet-1k",
    architecture: "adaptivenn",
    config: {},
    labels: "imagenet-1k",
  },
];
