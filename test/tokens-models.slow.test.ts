// Every way to reduce tokens on every kind of vision transformer, as toys: folders, exports with all layers, gradients, and the other runtime.
import { describe, expect, test } from "vitest";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { maxDifference } from "./golden-case.ts";
import { sweepFolder, sweepGradients, sweepInput, sweepRun } from "./registry-sweep.ts";
import { REDUCED_MODELS, REDUCTIONS, reducedToy } from "./token-toys.ts";

describe.each(REDUCED_MODELS)("%s", (name) => {
  describe.each(REDUCTIONS)("%s", (tokens) => {
    const toy = reducedToy(name, tokens);

    test("initialise, write, read", () => sweepFolder(name, toy));
    test("export, run", () => sweepRun(name, toy));
    test("gradients", () => sweepGradients(name, toy));

    test("WebAssembly gives what the native engine gives", async () => {
      const definition = defineModel(name, toy.config);
      const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name });
      const input = sweepInput(definition, toy);
      const answers = [];
      for (const device of ["cpu", "wasm"] as const) {
        await using session = await nodeHost.createSession(exportOnnx(model), { device });
        answers.push(await session.run({ [input.name]: input.value }));
      }
      expect(maxDifference(answers[1]!.logits, answers[0]!.logits!)).toBeLessThan(1e-5);
    });
  });
});
