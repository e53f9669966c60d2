// RegNet as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { regnetSchema } from "./config.ts";
import { regnetBackbone } from "./model.ts";
import { adoptRegnetWeights } from "./weights.ts";

export const regnetArchitecture = backboneArchitecture({
  name: "regnet",
  paper: "https://arxiv.org/abs/2003.13678",
  schema: regnetSchema,
  backbone: regnetBackbone,
  adoptWeights: adoptRegnetWeights,
});
