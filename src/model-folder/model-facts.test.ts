import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { inferenceGraph, initialWeights } from "../models/graph.ts";
import { defineModel } from "../models/registry.ts";
import { nodeHost } from "../platform/node/host.ts";
import { exportOnnx } from "./compile.ts";
import { loadModel } from "./load.ts";
import type { NativeModel } from "./model.ts";
import { modelFacts } from "./model-facts.ts";
import { onnxModel } from "./onnx-model.ts";

function toy(name: string, overrides: object = {}): NativeModel {
  const definition = defineModel(name, overrides);
  return { kind: "native", card: { name }, definition, weights: initialWeights(inferenceGraph(definition), 0) };
}

test("the bundled model: any size, an early answer, three looks, tokens of their own", async () => {
  const folder = fileURLToPath(new URL("../../models/everyday", import.meta.url));
  const facts = modelFacts(await loadModel(nodeHost, folder));
  expect(facts).toMatchObject({
    kind: "native",
    architecture: { name: "sparseformer" },
    takes: "pictures",
    answers: "classes",
    size: { width: 112, height: 112 },
    takesAnySize: true,
    looksInSteps: false,
    tokens: { count: 16, canChange: false },
    looks: 3,
  });
  expect(facts.steps).toHaveLength(2);
  expect(facts.macs).toBeGreaterThan(1e8);
});

test("one shared token can be had any number of times", () => {
  const facts = modelFacts(toy("sparseformer_v1_tiny", { same_token_embedding: true }));
  expect(facts.tokens).toEqual({ count: 49, canChange: true });
});

test("a convolutional network has neither looks nor steps nor tokens", () => {
  const facts = modelFacts(toy("resnet18"));
  expect(facts).toMatchObject({ looks: 0, steps: [], takesAnySize: true });
  expect(facts.tokens).toBeUndefined();
});

test("an ONNX file tells its own", async () => {
  const folder = fileURLToPath(new URL("../../models/everyday", import.meta.url));
  const native = (await loadModel(nodeHost, folder)) as NativeModel;
  const bytes = exportOnnx(native, { size: { height: 112, width: 112 } });
  const facts = modelFacts(onnxModel(bytes, "everyday.onnx"));
  expect(facts).toMatchObject({
    kind: "onnx",
    answers: "classes",
    size: { width: 112, height: 112 },
    takesAnySize: false,
  });
  expect(facts.parameters).toBeGreaterThan(2e6);
  expect(facts.macs).toBeUndefined();
});
