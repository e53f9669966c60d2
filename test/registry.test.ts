// Every registered model at a fraction of its width: what does not depend on size. Exports, gradients and the full sizes are in the slow suite.
import { expect, test } from "vitest";
import { countMacs } from "../src/graph/macs.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { sweepFolder } from "./registry-sweep.ts";
import { toyOf } from "./registry-toys.ts";

test.each([...registry.keys()])("%s: initialise, write, read", (name) => sweepFolder(name, toyOf(name)));

test.each([
  ["sparseformer_v1_tiny", 32, 2.0],
  ["sparseformer_v1_small", 48, 3.8],
  ["sparseformer_v1_base", 81, 7.8],
])("%s has the published %d million parameters and about %d GMACs", (name, millions, gmacs) => {
  const graph = inferenceGraph(defineModel(name));
  expect(Math.round(parameterCount(graph) / 1e6)).toBe(millions);
  const sizes = new Map([
    ["batch", 1],
    ["height", 224],
    ["width", 224],
  ]);
  const { total } = countMacs(graph, sizes, [graph.outputs.get("logits")!]);
  // The papers' counter leaves out attention's and mixing's batched products in part; ours counts them all.
  expect(total / 1e9).toBeGreaterThan(gmacs);
  expect(total / 1e9).toBeLessThan(gmacs * 1.12);
});
