// SpaRTAN as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { backboneArchitecture } from "../backbone.ts";
import { type SpartanConfig, spartanSchema } from "./config.ts";
import { spartanBackbone } from "./model.ts";
import { spartanFields } from "./shapes.ts";

export const spartanArchitecture: Architecture<SpartanConfig> = {
  ...backboneArchitecture({
    name: "spartan",
    paper: "https://arxiv.org/abs/2507.10999",
    schema: spartanSchema,
    backbone: spartanBackbone,
  }),
  adoptShapes: spartanFields,
};
