// ConvNeXt and the isotropic ConvNeXt as the registry sees them.
import { backboneArchitecture } from "../backbone.ts";
import { convnextSchema, isotropicSchema } from "./config.ts";
import { isotropicBackbone } from "./isotropic.ts";
import { convnextBackbone } from "./model.ts";
import { adoptConvnextWeights, adoptIsotropicWeights } from "./weights.ts";

export const convnextArchitecture = backboneArchitecture({
  name: "convnext",
  paper: "https://arxiv.org/abs/2201.03545",
  schema: convnextSchema,
  backbone: convnextBackbone,
  adoptWeights: adoptConvnextWeights,
});

export const isotropicArchitecture = backboneArchitecture({
  name: "convnext_isotropic",
  paper: "https://arxiv.org/abs/2201.03545",
  schema: isotropicSchema,
  backbone: isotropicBackbone,
  adoptWeights: adoptIsotropicWeights,
});
