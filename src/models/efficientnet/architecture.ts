// EfficientNet as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { efficientnetSchema } from "./config.ts";
import { efficientnetBackbone } from "./model.ts";

export const efficientnetArchitecture = backboneArchitecture({
  name: "efficientnet",
  paper: "https://arxiv.org/abs/1905.11946",
  schema: efficientnetSchema,
  backbone: efficientnetBackbone,
});
