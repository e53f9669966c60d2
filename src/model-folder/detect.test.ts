// Which model a bare checkpoint is, from nothing but names and shapes.
import { describe, expect, test } from "vitest";
import { inferenceGraph } from "../models/graph.ts";
import { defineModel } from "../models/registry.ts";
import type { TensorData } from "../tensor.ts";
import { definitionFor, detectModels } from "./native.ts";

/** A checkpoint without its values: nothing looks at them unless it has to. */
function checkpoint(name: string, config?: Record<string, unknown>) {
  const { parameters } = inferenceGraph(defineModel(name, config));
  const tensors = new Map(
    [...parameters.values()].map(({ name: parameter, shape }): [string, TensorData] => [
      parameter,
      { dtype: "float32", shape, data: new Float32Array(0) },
    ]),
  );
  return { tensors, facts: {} };
}

test.each([
  "sparseformer_v1_tiny",
  "resnet50",
  "vit_tiny_patch16_224",
  "vit_small_patch32_224",
  "deit_small_distilled_patch16_224",
  "deit_base_distilled_patch16_384",
  "swin_tiny_patch4_window7_224",
  "swin_base_patch4_window12_384",
  "crossvit_9_240",
  "crossvit_small_240",
  "crossvit_15_dagger_240",
  "crossvit_15_dagger_408",
])("%s is recognised", (name) => {
  const found = detectModels(checkpoint(name));
  // The smallest ViT has its twin, as all of them have.
  expect(found).toEqual(name === "vit_tiny_patch16_224" ? [name, "deit_tiny_patch16_224"] : [name]);
});

describe("ViT and DeiT have the same names and shapes", () => {
  const twins = checkpoint("deit_base_patch16_384");

  test("so both are named, but no other size, whose positions would have to be resampled", () => {
    expect(detectModels(twins)).toEqual(["vit_base_patch16_384", "deit_base_patch16_384"]);
    expect(() => definitionFor(twins, "weights.pth")).toThrow(/several models: vit_base\S+, deit_base\S+/);
  });

  test("the file's own name decides", () => {
    const definition = definitionFor(twins, "/weights/vit/deit_base_patch16_384-8de9b5d1.pth");
    expect(definition.registered?.name).toBe("deit_base_patch16_384");
    expect(definition.architecture.transform(definition.config)).toContain("normalize(imagenet)");
    expect(() => definitionFor(twins, "/deit_base_patch16_384/weights.pth")).toThrow(/several models/);
  });
});

test("tensors of no family's names and of no member's shapes are nobody's", () => {
  const { tensors, facts } = checkpoint("swin_tiny_patch4_window7_224", { embed_dim: 48 });
  expect(detectModels({ tensors, facts })).toEqual([]);
  const renamed = new Map([...tensors].map(([name, value]) => [`encoder.${name}`, value]));
  expect(detectModels({ tensors: renamed, facts })).toEqual([]);
});
