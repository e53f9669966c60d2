// RegNets by timm's names; the number is the cost in tens of millions of multiply-accumulates.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

function regnety(name: string, cost: string, config: Record<string, number>): RegisteredModel {
  return {
    name,
    summary: `RegNetY-${cost}, ImageNet-1k`,
    architecture: "regnet",
    config,
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.pycls_in1k`, "MIT"),
  };
}

export const registeredRegnets: readonly RegisteredModel[] = [
  regnety("regnety_002", "200MF", { w0: 24, wa: 36.44, wm: 2.49, group_size: 8, depth: 13 }),
  regnety("regnety_004", "400MF", { w0: 48, wa: 27.89, wm: 2.09, group_size: 8, depth: 16 }),
  regnety("regnety_006", "600MF", { w0: 48, wa: 32.54, wm: 2.32, group_size: 16, depth: 15 }),
  regnety("regnety_008", "800MF", { w0: 56, wa: 38.84, wm: 2.4, group_size: 16, depth: 14 }),
  regnety("regnety_016", "1.6GF", { w0: 48, wa: 20.71, wm: 2.65, group_size: 24, depth: 27 }),
];
