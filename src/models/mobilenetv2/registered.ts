// MobileNetV2 by timm's names.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

function mobilenet(percent: number, tag: string): RegisteredModel {
  const name = `mobilenetv2_${String(percent).padStart(3, "0")}`;
  return {
    name,
    summary: `MobileNetV2 ${(percent / 100).toFixed(2)}, ImageNet-1k`,
    architecture: "mobilenetv2",
    config: { channel_multiplier: percent / 100 },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.${tag}`, "Apache-2.0"),
  };
}

export const registeredMobilenetv2s: readonly RegisteredModel[] = [
  mobilenet(50, "lamb_in1k"),
  mobilenet(100, "ra_in1k"),
  mobilenet(140, "ra_in1k"),
];
