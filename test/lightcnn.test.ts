// Light CNN: the official code's numbers of the smallest one (all of them on each engine: in the slow suite), sizes, and pictures that are seen in grey: as bytes, as
// numbers of an exported file, and in training.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyExport } from "../src/model-folder/verify.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { greyValues } from "../src/models/grey.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { tensor } from "../src/tensor.ts";
import { goldenCases, hashedValues, maxDifference } from "./golden-case.ts";
import { expectLightcnnParity } from "./lightcnn-parity.ts";
import { toyOf } from "./registry-toys.ts";

test.each(goldenCases("lightcnn").filter((name) => name.endsWith("_9")))("%s", (name) =>
  expectLightcnnParity(name, "cpu"),
);

test.each([
  ["lightcnn_9", 25_803_653, 0.997],
  ["lightcnn_29", 32_896_069, 3.639],
  ["lightcnn_29v2", 30_959_200, 3.638],
  ["lightcnn_v4", 10_345_600, 3.555],
])("%s has the released %d parameters and %d GMACs", (name, parameters, gmacs) => {
  const cost = modelCost(defineModel(name), { height: 128, width: 128 });
  expect(cost.parameters).toBe(parameters);
  expect(cost.macs / 1e9).toBeCloseTo(gmacs, 3);
});

const toy = defineModel("lightcnn_29", toyOf("lightcnn_29").config);
const model = nativeModel(toy, initialWeights(inferenceGraph(toy), 0), {
  name: "toy",
  transform: "resize(32,32)|value_range(0,1)",
});
const coloured = Uint8Array.from({ length: 3 * 40 * 36 }, (_, i) => (i * 37) % 251);

test("a coloured picture is seen in grey, which is said, alike by the model, by its exported file, and by one that takes bytes", async () => {
  const picture = { width: 40, height: 36, data: coloured };
  const pixels = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const vectors = [];
  for (const source of [model, exportOnnx(model), exportOnnx(model, { form: { pixels } })]) {
    const said: string[] = [];
    await using embedder = await loadEmbedder(nodeHost, source, {
      device: "cpu",
      threads: 1,
      onNotice: (line) => said.push(line),
    });
    vectors.push((await embedder.embed([picture]))[0]!);
    const isBytes = vectors.length === 3;
    expect(said.filter((line) => line.includes("in grey"))).toHaveLength(isBytes ? 0 : 1);
  }
  const [own, ...others] = vectors;
  for (const other of others) for (const [i, value] of other.entries()) expect(value).toBeCloseTo(own![i]!, 5);
});

test("exported files are verified, with one channel and as bytes", async () => {
  for (const form of [{}, { pixels: { mean: [0, 0, 0], std: [1, 1, 1] } as const }]) {
    const { largest, shapes } = await verifyExport(nodeHost, model, exportOnnx(model, { form }), { form });
    expect(shapes[0]).toEqual([1, 1, 32, 32]);
    expect(largest.difference).toBeLessThan(1e-4);
  }
});

test("training hands over colours, and the model learns from their brightness", () => {
  const image = tensor("float32", [2, 3, 32, 32], hashedValues("picture", 2 * 3 * 32 * 32, 1, 0, 0));
  const seen = greyValues(image);
  expect(seen.shape).toEqual([2, 1, 32, 32]);
  const { weights: parameters } = model;
  const outputs = ["logits"];
  const inColour = interpret(inferenceGraph(toy, {}, { inColour: true }), { inputs: { image }, parameters, outputs });
  const inGrey = interpret(inferenceGraph(toy), { inputs: { image: seen }, parameters, outputs });
  expect(maxDifference(inColour.get("logits"), inGrey.get("logits")!)).toBeLessThan(1e-6);
});

test("what cannot be is said", () => {
  expect(() => modelCost(toy, { height: 64, width: 64 })).toThrow(UsageError);
  expect(() => defineModel("lightcnn", { img_size: 100 })).toThrow(/multiple of 16/);
  expect(() => defineModel("lightcnn", { num_classes: 0 })).toThrow(/only LightCNN-V4/);
  expect(registry.get("lightcnn_v4")!.config).toEqual({ model: "LightCNN-V4", num_classes: 0 });
});
