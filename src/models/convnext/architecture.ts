// ConvNeXt as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { convnextSchema } from "./config.ts";
import { convnextBackbone } from "./model.ts";
import { adoptConvnextWeights } from "./weights.ts";

export const convnextArchitecture = backboneArchitecture({
  name: "convnext",
  paper: "https://arxiv.org/abs/2201.03545",
  schema: convnextSchema,
  backbone: convnextBackbone,
  adoptWeights: adoptConvnextWeights,
});
