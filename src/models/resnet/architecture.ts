// ResNet as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { resnetSchema } from "./config.ts";
import { resnetBackbone } from "./model.ts";

export const resnetArchitecture = backboneArchitecture({
  name: "resnet",
  paper: "https://arxiv.org/abs/1512.03385",
  schema: resnetSchema,
  backbone: resnetBackbone,
});
