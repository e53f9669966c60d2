// Terminator for pictures of 32 x 32 pixels, as its authors train it on CIFAR. They have released no weights.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredTerminators: readonly RegisteredModel[] = [
  {
    name: "terminator_32",
    summary: "Terminator at 32 px, 10 classes: the configuration alone",
    architecture: "terminator",
    config: {},
  },
];
