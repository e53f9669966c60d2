// The lightweight CNN at the size that its paper states. Nobody released weights: `saccade train --recipe lightweight` makes some.
import type { RegisteredModel } from "../registered-model.ts";

export const registeredLightweights: readonly RegisteredModel[] = [
  {
    name: "lightweight_cnn",
    summary:
      "two small branches and what brings them together, 14,862 parameters: digits and other small grey pictures",
    architecture: "lightweight",
    config: { num_classes: 10 },
  },
];
