// The number of tokens as a dial for cost: models with one shared token run with another number than they were trained with.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { WeightsMismatchError } from "../src/errors.ts";
import { countMacs } from "../src/graph/macs.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { writeSafetensors } from "../src/weights/safetensors.ts";
import { temporaryFolder, writeMini } from "./cli/mini-model.ts";
import { loadGolden } from "./golden-case.ts";

test("a shared-token checkpoint runs with fewer tokens, for less", async () => {
  const golden = loadGolden("sparseformer/sparseformer_btsp_mini_64x64")!;
  const cost = (tokens: number) =>
    countMacs(
      inferenceGraph(defineModel("sparseformer", { ...golden.config, num_latent_tokens: tokens })),
      new Map([
        ["batch", 1],
        ["height", 64],
        ["width", 64],
      ]),
    ).total;
  expect(cost(4)).toBeLessThan(0.8 * cost(8));
  const model = nativeModel(defineModel("sparseformer", { ...golden.config, num_latent_tokens: 4 }), golden.weights, {
    name: "dial",
  });
  await using session = await nodeHost.createSession(exportOnnx(model), { device: "cpu" });
  const { token_roi, logits } = await session.run({ image: golden.image }, { outputs: ["token_roi", "logits"] });
  expect(token_roi!.shape).toEqual([2, 4, 4]);
  expect(logits!.data.every((value) => Number.isFinite(value))).toBe(true);
});

test("learned tokens cannot be changed: the misfit says which tensors", () => {
  const golden = loadGolden("sparseformer/sparseformer_v1_mini_64x64")!;
  const definition = defineModel("sparseformer", { ...golden.config, num_latent_tokens: 4 });
  expect(() => nativeModel(definition, golden.weights, { name: "dial" })).toThrow(WeightsMismatchError);
  expect(() => nativeModel(definition, golden.weights, { name: "dial" })).toThrow(
    /initial_roi.weight is \[9, 4\] but must be \[4, 4\]/,
  );
});

test("a model without the dial says so", async () => {
  const config = { num_latent_tokens: 4 };
  const folder = temporaryFolder();
  const resnet = join(folder, "resnet");
  mkdirSync(resnet);
  writeFileSync(join(resnet, "config.json"), JSON.stringify({ architecture: "resnet", config: {} }));
  writeFileSync(join(resnet, "model.safetensors"), writeSafetensors([]));
  await expect(loadModel(nodeHost, resnet, { config })).rejects.toThrow(/no latent tokens/);
  const onnx = resolve(import.meta.dirname, "cases/onnx/conf_logits.onnx");
  await expect(loadModel(nodeHost, onnx, { config })).rejects.toThrow(/is an ONNX file: its num_latent_tokens cannot/);
  const learned = writeMini(folder, "sparseformer_v1_mini_64x64");
  await expect(loadModel(nodeHost, learned, { config })).rejects.toThrow(/learned its tokens/);
});
