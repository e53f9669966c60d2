// gridSample in every mode, with every padding: PyTorch's values and gradients, in the interpreter and on engines, with their kernel and without (more lowerings: in the
// slow suite).
import { describe, expect, test } from "vitest";
import * as g from "../src/graph/build.ts";
import { gridSampleByHat } from "../src/graph/gradients/grid-sample.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Graph } from "../src/graph/tensor.ts";
import { goldenCases, loadGolden, maxDifference } from "./golden-case.ts";
import { expectSampling, graphOf, inputsOf, type Sampler } from "./grid-sample-parity.ts";

const SAMPLERS: Readonly<Record<string, Sampler>> = {
  gridSample: g.gridSample,
  "by hat, joint": (features, grid, options) => gridSampleByHat(features, grid, { ...options, product: "joint" }),
  "by hat, separable": (features, grid, options) =>
    gridSampleByHat(features, grid, { ...options, product: "separable" }),
};

describe.each(goldenCases("grid-sample"))("%s", (name) => {
  const golden = loadGolden(name)!;
  const inputs = inputsOf(golden);

  test.each(Object.entries(SAMPLERS))("interpreted: %s", (_, sample) => {
    const outputs = interpret(graphOf(golden, sample), { inputs, parameters: new Map() });
    expect(outputs.size).toBe(golden.outputs.size);
    for (const [output, expected] of golden.outputs)
      expect(maxDifference(outputs.get(output), expected), output).toBeLessThan(4e-6);
  });

  test.each([
    ["native, kernel", "cpu", { target: "onnxruntime" }],
    ["native, gathered", "cpu", { gridSample: "gather" }],
    ["WebAssembly, kernel", "wasm", { target: "onnxruntime" }],
  ] as const)("%s", (_, device, options) => expectSampling(golden, device, options));
});

test("cubic sampling is refused for volumes", () => {
  const graph = new Graph();
  const [features, grid] = [graph.input("features", [1, 2, 3, 4, 5]), graph.input("grid", [1, 2, 2, 2, 3])];
  expect(() => g.gridSample(features, grid, { mode: "cubic", padding: "zeros" })).toThrow(/for pictures/);
});
