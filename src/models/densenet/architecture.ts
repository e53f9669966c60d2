// DenseNet as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { densenetSchema } from "./config.ts";
import { densenetBackbone } from "./model.ts";
import { adoptDensenetWeights } from "./weights.ts";

export const densenetArchitecture = backboneArchitecture({
  name: "densenet",
  paper: "https://arxiv.org/abs/1608.06993",
  schema: densenetSchema,
  backbone: densenetBackbone,
  adoptWeights: adoptDensenetWeights,
});
