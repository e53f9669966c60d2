// MobileNetV3 by timm's names. The large model of width 1.25 is GFNet's: timm has no weights of it alone.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

function mobilenet(variant: "large" | "small", percent: number, tag?: string): RegisteredModel {
  const name = `mobilenetv3_${variant}_${String(percent).padStart(3, "0")}`;
  return {
    name,
    summary: `MobileNetV3-${variant === "large" ? "Large" : "Small"} ${(percent / 100).toFixed(2)}, ImageNet-1k`,
    architecture: "mobilenetv3",
    config: { variant, channel_multiplier: percent / 100 },
    labels: "imagenet-1k",
    ...(tag === undefined ? {} : { weights: timmWeights(`${name}.${tag}`, "Apache-2.0") }),
  };
}

export const registeredMobilenets: readonly RegisteredModel[] = [
  mobilenet("small", 50, "lamb_in1k"),
  mobilenet("small", 75, "lamb_in1k"),
  mobilenet("small", 100, "lamb_in1k"),
  mobilenet("large", 75),
  mobilenet("large", 100, "ra_in1k"),
  mobilenet("large", 125),
];
