// EfficientNets by timm's names. Sizes are those that timm's weights were trained at.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

function efficientnet(size: number, width: number, depth: number, pixels: number, tag: string): RegisteredModel {
  const name = `efficientnet_b${size}`;
  return {
    name,
    summary: `EfficientNet-B${size}, ImageNet-1k`,
    architecture: "efficientnet",
    config: { channel_multiplier: width, depth_multiplier: depth, input_size: pixels },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.${tag}`, "Apache-2.0"),
  };
}

export const registeredEfficientnets: readonly RegisteredModel[] = [
  efficientnet(0, 1.0, 1.0, 224, "ra_in1k"),
  efficientnet(1, 1.0, 1.1, 224, "ft_in1k"),
  efficientnet(2, 1.1, 1.2, 256, "ra_in1k"),
  efficientnet(3, 1.2, 1.4, 288, "ra2_in1k"),
];
