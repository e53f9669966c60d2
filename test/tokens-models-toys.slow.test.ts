// Vision transformers that go on with fewer tokens, as models: their configuration, what is the dense model, layers on the full grid, folders and exports.
import { describe, expect, test } from "vitest";
import { countMacs } from "../src/graph/macs.ts";
import { printGraph } from "../src/graph/print.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { sweepFolder, sweepGradients, sweepRun } from "./registry-sweep.ts";
import { toyOf } from "./registry-toys.ts";
import { REDUCED_MODELS, REDUCTIONS, reducedToy } from "./token-toys.ts";

const graphOf = (name: string, tokens: string) => inferenceGraph(defineModel(name, reducedToy(name, tokens).config));

// Every way and every kind of model is in the slow suite.
test.each([
  ["deit_tiny_patch16_224", "keep=0.6@0,1:evit"],
  ["deit_tiny_distilled_patch16_224", "merge=4:tome"],
])("%s, %s: written, read, exported with every layer, and trained", async (name, tokens) => {
  await sweepFolder(name, reducedToy(name, tokens));
  await sweepRun(name, reducedToy(name, tokens));
  await sweepGradients(name, reducedToy(name, tokens));
});

describe.each(REDUCED_MODELS)("%s", (name) => {
  test("as many tokens as there are is the dense model", () => {
    const dense = printGraph(inferenceGraph(defineModel(name, toyOf(name).config)));
    for (const tokens of ["keep=1@0,1:prune", "keep=1@0:evit", "transform=1@0,1:transforming"])
      expect(printGraph(graphOf(name, tokens))).toBe(dense);
  });

  test.each(REDUCTIONS)("%s: layers have a token for every patch, and say what tokens are made of", (tokens) => {
    const names = [...graphOf(name, tokens).layers.keys()];
    const graph = inferenceGraph(defineModel(name, reducedToy(name, tokens).config), { batch: 2 }, { layers: names });
    const shape = (layer: string) => graph.outputs.get(layer)!.shape;
    for (const layer of ["block.1", "block.2", "tokens"]) expect(shape(layer)).toEqual([2, 15, 24]);
    for (const block of [0, 1]) {
      expect(shape(`origin.${block}`)[2]).toBe(15);
      expect(shape(`origin.${block}`)[1]).toBeLessThan(15);
    }
    expect(names.includes("score.0")).toBe(!tokens.endsWith("tome") && !tokens.endsWith("noprop"));
  });
});

// The GMACs that the papers state for DeiT-S: EViT at keep rate 0.7 (3.0), ToMe with r = 13 (2.7).
test.each([
  ["keep=0.7@3,6,9:evit", 3.0],
  ["merge=13:tome", 2.7],
  ["transform=0.7@3,6,9:transforming", 3.0],
])("%s of DeiT-S costs %d GMACs", (tokens, gmacs) => {
  const graph = inferenceGraph(defineModel("deit_small_patch16_224", { tokens }), { batch: 1 });
  const { total } = countMacs(graph, new Map(), [graph.outputs.get("logits")!]);
  expect(total / 1e9).toBeCloseTo(gmacs, 1);
});

test("configurations state one spelling, and are refused in plain words", () => {
  expect(defineModel("deit_tiny_patch16_224").config).not.toHaveProperty("tokens");
  expect(defineModel("deit_tiny_patch16_224", { tokens: "keep=.70@9,3:evit" }).config).toMatchObject({
    tokens: "keep=0.7@3,9:evit",
  });
  for (const [tokens, reason] of [
    ["keep=0@3:evit", /a share of 0 leaves nothing/],
    ["keep=0.7@12:evit", /there is no block 12.*blocks 0 to 11/],
    ["keep=0.7@3:efit", /not reduced by efit.*did you mean evit/],
    ["fewer", /not a way to reduce tokens/],
  ] as const)
    expect(() => defineModel("deit_tiny_patch16_224", { tokens })).toThrow(reason);
});
