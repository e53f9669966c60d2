// DHVT: the official code's numbers at toy size, the published sizes, oblong pictures, heads without tokens, and configurations that cannot be.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { countMacs } from "../src/graph/macs.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { elementCount } from "../src/tensor.ts";
import { dhvtCase } from "./dhvt-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectInterpreterLayers, expectSessionLayers } from "./layer-parity.ts";

const TOYS = goldenCases("dhvt").filter(isToy);

test("interpreter", () => expectInterpreterLayers(dhvtCase(TOYS[0]!)));

describe.each(TOYS)("%s", (name) => {
  test("native", () => expectSessionLayers(dhvtCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(dhvtCase(name), "wasm"));
});

// Trained parameters of the official code, and its multiply-accumulates in billions counted at convolutions and linear layers; ours has the products of
// attention too, which weigh most where patches are many.
test.each([
  ["dhvt_tiny_cifar_patch4", 6_008_650, 0.366],
  ["dhvt_tiny_cifar_patch2", 5_845_162, 1.391],
  ["dhvt_small_cifar_patch4", 23_425_450, 1.48],
  ["dhvt_small_cifar_patch2", 22_766_698, 5.547],
  ["dhvt_tiny_imagenet_patch16", 6_267_334, 1.17],
  ["dhvt_small_imagenet_patch16", 24_040_606, 4.653],
])("%s has %d parameters and %d GMACs", (name, parameters, gmacs) => {
  const definition = defineModel(name);
  const graph = inferenceGraph(definition);
  const trained = [...graph.parameters.values()].filter(({ trainable }) => trainable);
  expect(trained.reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(parameters);
  const { img_size: side } = definition.config as { img_size: number };
  const sizes = new Map(Object.entries({ batch: 1, height: side, width: side }));
  const { total } = countMacs(graph, sizes, [graph.outputs.get("logits")!]);
  expect(total / 1e9 / gmacs).toBeGreaterThan(0.99);
  expect(total / 1e9 / gmacs).toBeLessThan(1.3);
});

test("heads without tokens are plain attention: their four parameters a block are gone", () => {
  const names = (head_tokens: boolean) => [
    ...inferenceGraph(defineModel("dhvt", { depth: 1, embed_dim: 24, num_classes: 3, head_tokens })).parameters.keys(),
  ];
  const without = names(false);
  const gone = names(true).filter((name) => !without.includes(name));
  expect(gone.map((name) => name.replace("blocks.0.attn.", "")).sort()).toEqual([
    "ht_norm.bias",
    "ht_norm.weight",
    "ht_proj.bias",
    "ht_proj.weight",
    "pos_embed",
  ]);
});

test.each([
  [{ patch_size: 8 }, "patch_size must be 2, 4 or 16"],
  [{ embed_dim: 30, num_heads: 4 }, "num_heads must divide embed_dim"],
  [{ embed_dim: 6, num_heads: 3 }, "embed_dim must be a multiple of half of patch_size"],
  [{ apply_dhvt: false }, "a plain ViT is the architecture vit"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("dhvt", config)).toThrow(UsageError);
  expect(() => defineModel("dhvt", config)).toThrow(message);
});
