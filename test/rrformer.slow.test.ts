// RRFormer's official numbers in WebAssembly and the interpreter, and the hypercolumn, which is a large network.
import { describe, expect, test } from "vitest";
import { concat, resize } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope, trace } from "../src/graph/scope.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import type { RrformerConfig } from "../src/models/rrformer/config.ts";
import { restore, rrformer } from "../src/models/rrformer/model.ts";
import { hypercolumn } from "../src/models/rrformer/vgg.ts";
import { Mode } from "../src/nn/mode.ts";
import { tensor } from "../src/tensor.ts";
import { goldenCases, hashedValues, maxDifference } from "./golden-case.ts";
import { BOTH, expectForm, expectOnDevice, rrformerCase } from "./rrformer-parity.ts";

describe.each(goldenCases("rrformer"))("%s", (name) => {
  test.each(BOTH)("%s, WebAssembly", (form, bypass) => expectOnDevice(name, form, bypass, "wasm"));
  // The transformer of 240 channels takes the interpreter minutes.
  test("as_released, interpreter", () => {
    const { golden, graph, weights } = rrformerCase(name, true);
    const outputs = interpret(graph, { inputs: { image: golden.image }, parameters: weights });
    expectForm(golden, "as_released", (output) => outputs.get(output)!, 4e-6);
  });
});

test("the hypercolumn mixed map by map is what mixing it whole gives", () => {
  const size = 32;
  const definition = defineModel("rrformer", { img_size: size, n_feats: 8, embed_dim: 12 });
  const config = definition.config as RrformerConfig;
  const image = tensor("float32", [1, 3, size, size], hashedValues("picture", 3 * size * size, 0.5, 0.5, 0));
  const graph = trace((scope) => {
    const input = scope.graph.input("image", image.shape);
    const { picture } = rrformer(scope, input, config, Mode.inference());
    const maps = hypercolumn(new Scope(scope.graph, "vgg"), input).map((map) => resize(map, [size, size], "linear"));
    const whole = restore(scope, [concat([input, ...maps], 1)], config, Mode.inference()).picture;
    return { picture, whole };
  });
  const outputs = interpret(graph, { inputs: { image }, parameters: initialWeights(graph, 0) });
  expect(maxDifference(outputs.get("picture"), outputs.get("whole")!)).toBeLessThan(1e-6);
  expect([...inferenceGraph(definition).parameters.values()].filter(({ trainable }) => !trainable)).toHaveLength(
    2 * 13,
  );
});
