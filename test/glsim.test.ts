// GLSim: the official code's numbers at toy size (at full size, and in WebAssembly: in the slow suite), sizes, and crops at the picture's edges.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import { modelCost } from "../src/models/cost.ts";
import type { GlsimConfig } from "../src/models/glsim/config.ts";
import { boxOf, enlarge, regionOf } from "../src/models/glsim/crop.ts";
import { defineModel } from "../src/models/registry.ts";
import { tensor, toFloat64 } from "../src/tensor.ts";
import { expectGlsimParity } from "./glsim-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";

describe.each(goldenCases("glsim").filter(isToy))("%s", (name) => {
  test("native", () => expectGlsimParity(name, "cpu"));
});

// The published numbers count the token that is in released files and that nothing reads, 768 values; of products, only those with weights.
test("ViT-B/16 has the released size and cost", () => {
  const cost = modelCost(defineModel("glsim_vit_b16_cub"), { height: 224, width: 224 });
  expect(cost.parameters).toBe(93_042_632 - 768);
  const weighted = cost.ops.filter(({ op }) => op === "gemm" || op === "conv").reduce((sum, { macs }) => sum + macs, 0);
  expect(weighted / 1e9).toBeCloseTo(33.71, 1);
});

/** A picture of 8 x 8 pixels whose values are their places, 4 x 4 patches of which some are marked. */
function cropAround(...marked: readonly number[]) {
  const { config } = defineModel("glsim", { image_size: 8, patch_size: 2, dynamic_top: marked.length });
  const graph = trace((scope) => {
    const image = scope.graph.input("image", [1, 1, 8, 8]);
    const box = boxOf(scope.graph.input("alike", [1, 16]), config as GlsimConfig);
    return { region: regionOf(box, 8), crop: enlarge(image, box, 8) };
  });
  const image = tensor(
    "float32",
    [1, 1, 8, 8],
    Float32Array.from({ length: 64 }, (_, i) => i),
  );
  const alike = tensor(
    "float32",
    [1, 16],
    Float32Array.from({ length: 16 }, (_, i) => (marked.includes(i) ? 1 : 0)),
  );
  const outputs = interpret(graph, { inputs: { image, alike }, parameters: new Map(), outputs: ["region", "crop"] });
  const crop = toFloat64(outputs.get("crop")!);
  return {
    pixels: [...toFloat64(outputs.get("region")!)].map((edge) => 8 * edge),
    corners: [0, 7, 56, 63].map((i) => Number(crop[i]!.toFixed(4))),
  };
}

test("a crop ends where the last patch begins, and is one patch at least", () => {
  // x1, y1, x2, y2; its corners are pixels of the picture.
  expect(cropAround(0, 10)).toEqual({ pixels: [0, 0, 4, 4], corners: [0, 3, 24, 27] });
  expect(cropAround(15)).toEqual({ pixels: [6, 6, 8, 8], corners: [54, 55, 62, 63] });
  expect(cropAround(4, 7)).toEqual({ pixels: [0, 2, 6, 4], corners: [16, 21, 24, 29] });
});

test("what cannot be is said", () => {
  expect(() => modelCost(defineModel("glsim"), { height: 256, width: 256 })).toThrow(UsageError);
  expect(() => defineModel("glsim", { image_size: 100 })).toThrow(/patch_size must divide/);
  expect(() => defineModel("glsim", { image_size: 32 })).toThrow(/dynamic_top/);
});
