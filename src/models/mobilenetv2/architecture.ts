// MobileNetV2 as the registry sees it.
import { backboneArchitecture } from "../backbone.ts";
import { mobilenetv2Schema } from "./config.ts";
import { mobilenetv2Backbone } from "./model.ts";
import { adoptMobilenetv2Weights } from "./weights.ts";

export const mobilenetv2Architecture = backboneArchitecture({
  name: "mobilenetv2",
  paper: "https://arxiv.org/abs/1801.04381",
  schema: mobilenetv2Schema,
  backbone: mobilenetv2Backbone,
  adoptWeights: adoptMobilenetv2Weights,
});
