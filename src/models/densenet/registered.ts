// DenseNets by timm's names.
import type { RegisteredModel } from "../registered-model.ts";
import { timmWeights } from "../timm.ts";

function densenet(depth: number, layers: number[], tag: string): RegisteredModel {
  const name = `densenet${depth}`;
  return {
    name,
    summary: `DenseNet-${depth}, ImageNet-1k`,
    architecture: "densenet",
    config: { block_config: layers },
    labels: "imagenet-1k",
    weights: timmWeights(`${name}.${tag}`, "Apache-2.0"),
  };
}

export const registeredDensenets: readonly RegisteredModel[] = [
  densenet(121, [6, 12, 24, 16], "ra_in1k"),
  densenet(169, [6, 12, 32, 32], "tv_in1k"),
  densenet(201, [6, 12, 48, 32], "tv_in1k"),
];
