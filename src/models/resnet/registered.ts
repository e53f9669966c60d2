// ResNets by timm's names, with the weights of "ResNet strikes back" (Wightman et al., 2021) where there are any.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

function resnet(depth: number, block: "BasicBlock" | "Bottleneck", layers: number[], tag: string, cropPct = 0.95) {
  const name = `resnet${depth}`;
  return {
    name,
    summary: `ResNet-${depth}, ImageNet-1k`,
    architecture: "resnet",
    config: { block, layers, crop_pct: cropPct },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.${tag}`, "Apache-2.0"),
  } as const satisfies RegisteredModel;
}

export const registeredResnets: readonly RegisteredModel[] = [
  resnet(18, "BasicBlock", [2, 2, 2, 2], "a1_in1k"),
  resnet(26, "Bottleneck", [2, 2, 2, 2], "bt_in1k", 0.875),
  resnet(34, "BasicBlock", [3, 4, 6, 3], "a1_in1k"),
  resnet(50, "Bottleneck", [3, 4, 6, 3], "a1_in1k"),
  resnet(101, "Bottleneck", [3, 4, 23, 3], "a1h_in1k"),
];
