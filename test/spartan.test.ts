// SpaRTAN: the official code's numbers at toy size, the published size, configurations told by shapes, and those that cannot be.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { countMacs } from "../src/graph/macs.ts";
import { detectToldModel, recogniseCheckpoint } from "../src/model-folder/recognise.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { elementCount, type TensorData } from "../src/tensor.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectInterpreterLayers, expectSessionLayers } from "./layer-parity.ts";
import { spartanCase } from "./spartan-parity.ts";

describe.each(goldenCases("spartan").filter(isToy))("%s", (name) => {
  test("interpreter", () => expectInterpreterLayers(spartanCase(name)));
  test("native", () => expectSessionLayers(spartanCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(spartanCase(name), "wasm"));
});

test("SpaRTAN-T has the published 3.8 million parameters, and a billion multiply-accumulates at 256 pixels", () => {
  const graph = inferenceGraph(defineModel("spartan_tiny"));
  const trained = [...graph.parameters.values()].filter(({ trainable }) => trainable);
  expect(trained.reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(3_820_296);
  const gmacs = (side: number) => {
    const sizes = new Map(Object.entries({ batch: 1, height: side, width: side }));
    return countMacs(graph, sizes, [graph.outputs.get("logits")!]).total / 1e9;
  };
  expect(gmacs(224)).toBeCloseTo(0.8, 2);
  expect(gmacs(256)).toBeCloseTo(1.044, 2);
});

describe("a SpaRTAN of widths that nobody has registered", () => {
  const shape = {
    num_classes: 7,
    init_dim: 16,
    num_layer: 3,
    layer_depths: [1, 3, 2],
    expand_ratios: [2, 4, 3],
    dims: [24, 40],
  };
  const model = defineModel("spartan", shape);
  const official = new Map(
    [...initialWeights(inferenceGraph(model), 0)].map(([name, value]) => [`model.${name}`, value]),
  );
  const checkpoint = (tensors: Map<string, TensorData>) => ({ tensors, facts: {} });

  test.each([undefined, "spartan"])("is recognised by its shapes, told %s", (architecture) => {
    const { definition, tensors, notes } = recogniseCheckpoint(checkpoint(official), "spartan_s.pth", { architecture });
    expect(definition.config).toEqual(model.config);
    expect(tensors.has("conv.0.conv.weight")).toBe(true);
    expect(notes.join("\n")).toContain("layer_depths [1,3,2]");
  });

  test("is what inspect finds", () => {
    expect(detectToldModel(checkpoint(official))?.definition.config).toEqual(model.config);
  });

  test("is refused in its own words when a tensor is missing", () => {
    const less = new Map(official);
    less.delete("model.layers.0.smixer.gamma");
    const load = () => recogniseCheckpoint(checkpoint(less), "s.pth", { architecture: "spartan" });
    expect(load).toThrow("missing (1): layers.0.smixer.gamma");
  });

  test("is what the caller says where that is a registered one", () => {
    expect(() => recogniseCheckpoint(checkpoint(official), "s.pth", { architecture: "spartan_tiny" })).toThrow(
      /do not fit|missing/i,
    );
  });
});

test.each([
  [{ init_dim: 12 }, "widths must be multiples of 8"],
  [{ dims: [64, 128] }, "layer_depths and expand_ratios must be num_layer numbers each, and dims one less"],
  [{ expand_ratios: [1, 4, 2, 2] }, "expand_ratios"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("spartan", config)).toThrow(UsageError);
  expect(() => defineModel("spartan", config)).toThrow(message);
});
