import { beforeAll, expect, test } from "vitest";
import type { NativeModel } from "../../model-folder/model.ts";
import { nativeModel } from "../../model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { tensor } from "../../tensor.ts";
import { modelDigest } from "./model-digest.ts";

function resnet(fields: Record<string, unknown> = {}, seed = 1): NativeModel {
  const config = { layers: [1, 1, 1, 1], channels: [4, 4, 4, 4], stem_channels: 4, num_classes: 3, ...fields };
  const definition = defineModel("resnet18", config);
  return nativeModel(definition, initialWeights(inferenceGraph(definition), seed), { name: "toy" });
}

const digest = (model: NativeModel, layer = "features") => modelDigest(nodeHost, model, layer);
let model: NativeModel;
let features: string;
beforeAll(async () => {
  model = resnet();
  features = await digest(model);
});

/** The model with one number of a weight changed. */
function changed(name: string): NativeModel {
  const { dtype, shape, data } = model.weights.get(name)!;
  const values = Float32Array.from(data as Float32Array);
  values[0]! += 1;
  return { ...model, weights: new Map(model.weights).set(name, tensor(dtype as "float32", shape, values)) };
}

test("name, path and the order of weights do not matter", async () => {
  const weights = new Map([...model.weights].reverse());
  expect(await digest({ ...model, weights, card: { name: "elsewhere" } })).toBe(features);
});

test("one number of one weight does, where the layer is computed with it", async () => {
  expect(await digest(changed("conv1.weight"))).not.toBe(features);
  expect(await digest(changed("fc.weight"))).toBe(features);
  expect(await digest(changed("fc.weight"), "logits")).not.toBe(await digest(model, "logits"));
});

test("another last layer leaves the features what they are; another network does not", async () => {
  const other = resnet({ num_classes: 7 });
  const weights = new Map([...model.weights, ...[...other.weights].filter(([name]) => name.startsWith("fc."))]);
  expect(await digest({ ...other, weights })).toBe(features);
  expect(await digest(resnet({}, 2))).not.toBe(features);
});
