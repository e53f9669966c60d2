// The transformer families against timm's numbers at toy size: odd pictures, padded and shifted windows, resampled positions; in the
// interpreter, natively, and one of each family in WebAssembly.
import { describe, expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { countMacs } from "../src/graph/macs.ts";
import { modelAtSize, nativeModel } from "../src/model-folder/native.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { pictureInput, usualTransform } from "../src/models/picture-input.ts";
import { atSize, defineModel } from "../src/models/registry.ts";
import { expectInterpreterParity, expectSessionParity } from "./backbone-parity.ts";
import { goldenCases, loadGolden, maxDifference } from "./golden-case.ts";

const TOYS = goldenCases("timm-mini");

describe.each(TOYS)("%s", (name) => {
  test("interpreter", () => expectInterpreterParity(name));
  test("native", () => expectSessionParity(name, "cpu"));
});

test.each(["deit_mini_distilled", "swin_mini_padded", "swinv2_mini_padded", "crossvit_mini_dagger"])(
  "%s in WebAssembly, standard operators only",
  (toy) => expectSessionParity(`timm-mini/${toy}`, "wasm", "portable"),
);

// Parameters as timm counts them, GMACs as the papers state them.
test.each([
  ["vit_tiny_patch16_224", 5.72, 1.3],
  ["vit_small_patch16_224", 22.05, 4.6],
  ["vit_small_patch32_224", 22.88, 1.1],
  ["vit_base_patch16_224", 86.57, 17.6],
  ["vit_base_patch32_224", 88.22, 4.4],
  ["vit_base_patch16_384", 86.86, 55.5],
  ["deit_tiny_patch16_224", 5.72, 1.3],
  ["deit_small_patch16_224", 22.05, 4.6],
  ["deit_base_patch16_224", 86.57, 17.6],
  ["deit_tiny_distilled_patch16_224", 5.91, 1.3],
  ["deit_small_distilled_patch16_224", 22.44, 4.6],
  ["deit_base_distilled_patch16_384", 87.63, 55.6],
  ["swin_tiny_patch4_window7_224", 28.29, 4.5],
  ["swin_small_patch4_window7_224", 49.61, 8.7],
  ["swin_base_patch4_window7_224", 87.77, 15.4],
  ["swin_base_patch4_window12_384", 87.9, 47.1],
  ["swin_large_patch4_window7_224", 196.53, 34.5],
  ["swin_large_patch4_window12_384", 196.74, 103.9],
  ["crossvit_tiny_240", 7.01, 1.6],
  ["crossvit_small_240", 26.86, 5.6],
  ["crossvit_base_240", 105.03, 21.2],
  ["crossvit_9_240", 8.55, 1.8],
  ["crossvit_15_240", 27.53, 5.8],
  ["crossvit_18_240", 43.27, 9.0],
  ["crossvit_9_dagger_240", 8.78, 2.0],
  ["crossvit_15_dagger_240", 28.21, 6.1],
  ["crossvit_18_dagger_240", 44.27, 9.5],
  ["crossvit_15_dagger_408", 28.5, 21.4],
  ["crossvit_18_dagger_408", 44.61, 32.4],
])("%s has the published %d million parameters and %d GMACs", (name, millions, gmacs) => {
  const graph = inferenceGraph(defineModel(name));
  expect(parameterCount(graph) / 1e6).toBeCloseTo(millions, 2);
  const { total } = countMacs(graph, new Map([["batch", 1]]), [graph.outputs.get("logits")!]);
  expect(total / 1e9).toBeCloseTo(gmacs, 1);
});

// The official count leaves out the network that makes v2's position biases.
test.each([
  ["swinv2_tiny_patch4_window8_256", 28.35, 5.9],
  ["swinv2_tiny_patch4_window16_256", 28.35, 6.6],
  ["swinv2_small_patch4_window16_256", 49.73, 12.6],
  ["swinv2_base_patch4_window16_256", 87.92, 21.8],
  ["swinv2_base_patch4_window12to24_192to384_22kto1k_ft", 87.92, 54.7],
  ["swinv2_large_patch4_window12to16_192to256_22kto1k_ft", 196.74, 47.5],
  ["swin_mlp_tiny_c24_patch4_window8_256", 20.39, 4.0],
])("%s has the published %d million parameters and about %d GMACs", (name, millions, gmacs) => {
  const graph = inferenceGraph(defineModel(name));
  expect(parameterCount(graph) / 1e6).toBeCloseTo(millions, 2);
  const { total } = countMacs(graph, new Map([["batch", 1]]), [graph.outputs.get("logits")!]);
  expect(Math.abs(total / 1e9 / gmacs - 1)).toBeLessThan(0.015);
});

describe("another size of pictures", () => {
  test.each([
    ["deit_tiny_patch16_224", 384],
    ["swin_tiny_patch4_window7_224", 512],
    ["crossvit_9_dagger_240", 512],
  ])("%s at %d pixels", (name, side) => {
    const definition = defineModel(name);
    const larger = atSize(definition, { height: side, width: side });
    const graph = inferenceGraph(larger, { batch: 1 });
    expect(graph.inputs.get("image")!.shape).toEqual([1, 3, side, side]);
    expect(usualTransform(larger)).toContain(`central_crop(${side})`);
    expect(pictureInput(definition).size).not.toEqual({ height: side, width: side });
  });

  test("what takes any size stays as it is", () => {
    const definition = defineModel("resnet18");
    expect(atSize(definition, { height: 512, width: 512 })).toBe(definition);
  });

  test("is counted: attention of all to all grows faster than windows", () => {
    const growth = (name: string) => {
      const [small, large] = [224, 448].map((side) => modelCost(defineModel(name), { height: side, width: side }).macs);
      return large! / small!;
    };
    // 448 pixels are whole windows at every stage but the last, where padding adds a little.
    expect(growth("swin_tiny_patch4_window7_224")).toBeCloseTo(4, 1);
    expect(growth("deit_small_patch16_224")).toBeGreaterThan(4.5);
  });

  test("a loaded model is resampled as its checkpoint would be", () => {
    const golden = loadGolden("timm-mini/vit_mini_resampled")!;
    const original = defineModel("vit", { ...golden.config, img_size: 32 });
    const resized = modelAtSize(nativeModel(original, golden.weights, { name: "mini" }), { height: 24, width: 56 });
    const outputs = interpret(inferenceGraph(resized.definition), {
      inputs: { image: golden.image },
      parameters: resized.weights,
    });
    expect(maxDifference(outputs.get("logits"), golden.outputs.get("logits")!)).toBeLessThan(2e-6);
  });

  test("is refused where the configuration says otherwise, or where nothing would be left", () => {
    const definition = defineModel("swin_tiny_patch4_window7_224");
    expect(() => inferenceGraph(definition, { height: 256, width: 320 })).toThrow(
      "this swin is configured for pictures of 224 x 224 pixels, not 320 x 256",
    );
    expect(() => atSize(definition, { height: 16, width: 224 })).toThrow(/img_size must have/);
    expect(() => defineModel("deit_tiny_patch16_224", { img_size: 8 })).toThrow(/img_size must have/);
    expect(() => defineModel("deit_tiny_patch16_224", { num_heads: 5 })).toThrow(/num_heads must divide/);
    expect(() => defineModel("crossvit_9_dagger_240", { patch_size: [8, 16] })).toThrow(/multi_conv/);
  });
});
