// DuoFormers by their scales and what speaks for a region. The official repository (xiaoyatang/duoformer_TCGA) states no licence, and its files lie at a host of large files:
// configurations alone.
import type { RegisteredModel } from "../registered-model.ts";

function duoformer(backbone: "r18" | "r50", num_layers: 2 | 3 | 4, scale_token: "random" | "channel"): RegisteredModel {
  const isChannel = scale_token === "channel";
  return {
    name: `duoformer_${backbone}_${num_layers}scales${isChannel ? "_channel" : ""}`,
    summary: `DuoFormer over ResNet-${backbone.slice(1)}, ${num_layers} scales, ${isChannel ? "regions spoken for by all maps" : "a learnt token a region"}: the configuration alone`,
    architecture: "duoformer",
    config: { backbone, num_layers, scale_token },
  };
}

export const registeredDuoformers: readonly RegisteredModel[] = [
  duoformer("r50", 2, "random"),
  duoformer("r50", 3, "random"),
  duoformer("r50", 4, "random"),
  duoformer("r50", 2, "channel"),
  duoformer("r50", 3, "channel"),
  duoformer("r50", 4, "channel"),
  duoformer("r18", 4, "random"),
];
