// The lightweight CNN as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { type LightweightConfig, lightweightSchema } from "./config.ts";
import { lightweight, lightweightBranches } from "./model.ts";

const NAME = "lightweight";

export const lightweightArchitecture: Architecture<LightweightConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2501.15547",
  parseConfig: (json) => checkConfig(lightweightSchema, NAME, json),
  input: () => ({ kind: "image", channels: 1, size: "free", usual: { height: 28, width: 28 } }),
  build: lightweight,
  branches: lightweightBranches,
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  transform: () => "resize(28,28,bilinear)|value_range(0,1)",
  answers: () => "classes",
};
