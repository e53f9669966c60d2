// The convolutional families against timm's numbers at toy size: in the interpreter, natively, and one in WebAssembly.
import { describe, expect, test } from "vitest";
import { countMacs } from "../src/graph/macs.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { expectInterpreterParity, expectSessionParity } from "./backbone-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";

const TOYS = goldenCases("timm-extra").filter(isToy);

describe.each(TOYS)("%s", (name) => {
  test("interpreter", () => expectInterpreterParity(name));
  test("native", () => expectSessionParity(name, "cpu"));
});

test("WebAssembly, standard operators only", () =>
  expectSessionParity("timm-extra/mobilenetv3_toy_small", "wasm", "portable"));

// Trained parameters in millions and multiply-accumulates in billions, at a square of so many pixels: of the papers, and of timm for models
// that no paper has.
test.each([
  ["resnet18", 11.69, 1.82, 224],
  ["resnet26", 16.0, 2.36, 224],
  ["resnet34", 21.8, 3.67, 224],
  ["resnet50", 25.56, 4.1, 224],
  ["resnet101", 44.55, 7.8, 224],
  ["regnety_002", 3.16, 0.2, 224],
  ["regnety_004", 4.34, 0.4, 224],
  ["regnety_006", 6.06, 0.6, 224],
  ["regnety_008", 6.26, 0.8, 224],
  ["regnety_016", 11.2, 1.6, 224],
  ["mobilenetv2_050", 1.97, 0.097, 224],
  ["mobilenetv2_100", 3.5, 0.3, 224],
  ["mobilenetv2_140", 6.11, 0.582, 224],
  ["mobilenetv3_small_100", 2.54, 0.056, 224],
  ["mobilenetv3_large_075", 3.99, 0.155, 224],
  ["mobilenetv3_large_100", 5.48, 0.219, 224],
  ["mobilenetv3_large_125", 7.55, 0.356, 224],
  ["efficientnet_b0", 5.29, 0.39, 224],
  ["efficientnet_b1", 7.79, 0.7, 240],
  ["efficientnet_b2", 9.11, 1.0, 260],
  ["efficientnet_b3", 12.23, 1.8, 300],
  ["densenet121", 7.98, 2.87, 224],
  ["densenet169", 14.15, 3.4, 224],
  ["densenet201", 20.01, 4.34, 224],
  ["convnext_atto", 3.7, 0.55, 224],
  ["convnext_femto", 5.22, 0.79, 224],
  ["convnext_pico", 9.05, 1.37, 224],
  ["convnext_nano", 15.59, 2.46, 224],
  ["convnext_tiny", 28.59, 4.5, 224],
  ["convnext_small", 50.22, 8.7, 224],
  ["convnext_base", 88.59, 15.4, 224],
  ["convnext_large", 197.77, 34.4, 224],
  ["convnext_xlarge", 350.2, 60.9, 224],
  ["convnext_isotropic_small", 22.31, 4.3, 224],
  ["convnext_isotropic_base", 87.08, 16.9, 224],
])("%s has the published %d million parameters and %d GMACs at %d pixels", (name, millions, gmacs, pixels) => {
  const graph = inferenceGraph(defineModel(name));
  let trained = 0;
  for (const { shape, trainable } of graph.parameters.values())
    if (trainable) trained += shape.reduce((product, size) => product * size, 1);
  expect(Math.abs(trained / 1e6 - millions)).toBeLessThan(0.006);
  const sizes = { batch: 1, height: pixels, width: pixels };
  const { total } = countMacs(graph, new Map(Object.entries(sizes)), [graph.outputs.get("logits")!]);
  expect(Math.abs(total / 1e9 / gmacs - 1)).toBeLessThan(0.03);
});
