import { expect, test } from "vitest";
import type { TensorData } from "../../tensor.ts";
import { fitWeights, inferenceGraph, initialWeights } from "../graph.ts";
import { defineModel } from "../registry.ts";

const TINY = { depths: [1, 2], dims: [4, 8], num_classes: 3 };
const matrices = defineModel("convnext", TINY);
const convolutions = defineModel("convnext", { ...TINY, conv_mlp: true });
const weights = initialWeights(inferenceGraph(matrices), 0);

/** timm's name as the official repository has it. */
function officialName(name: string): string {
  return name
    .replace(/^stem\./, "downsample_layers.0.")
    .replace(/^stages\.(\d+)\.downsample\./, "downsample_layers.$1.")
    .replace(/^stages\.(\d+)\.blocks\./, "stages.$1.")
    .replace(".conv_dw.", ".dwconv.")
    .replace(/\.mlp\.fc([12])\./, ".pwconv$1.")
    .replace("head.norm.", "norm.")
    .replace("head.fc.", "head.");
}

const adopt = (model: typeof matrices, tensors: ReadonlyMap<string, TensorData>) =>
  new Map(fitWeights(inferenceGraph(model), model.architecture.adoptWeights(tensors, model.config), "convnext"));

test("the official repository's names become timm's", () => {
  const official = new Map([...weights].map(([name, value]) => [officialName(name), value]));
  for (const name of ["downsample_layers.0.0.weight", "stages.1.1.pwconv2.bias", "stages.0.0.gamma", "norm.weight"])
    expect(official.has(name), name).toBe(true);
  expect(adopt(matrices, official)).toEqual(weights);
});

test("layers of the perceptron are matrices or 1 x 1 convolutions, whichever the model has", () => {
  const convolved = adopt(convolutions, weights);
  expect(convolved.get("stages.0.blocks.0.mlp.fc1.weight")!.shape).toEqual([16, 4, 1, 1]);
  expect(adopt(matrices, convolved)).toEqual(weights);
});
