// MobileNetV3 as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { mobilenetv3Schema } from "./config.ts";
import { mobilenetv3Backbone } from "./model.ts";

export const mobilenetv3Architecture = backboneArchitecture({
  name: "mobilenetv3",
  paper: "https://arxiv.org/abs/1905.02244",
  schema: mobilenetv3Schema,
  backbone: mobilenetv3Backbone,
});
