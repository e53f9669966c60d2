// Every registered model at a fraction of its width: what does not depend on size. The full sizes are in the slow suite.
import { describe, expect, test } from "vitest";
import { countMacs } from "../src/graph/macs.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { sweep } from "./registry-sweep.ts";

/** An eighth of every width, where one head of 64 channels still fits. */
function narrow(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const widths = config.width_configs as number[];
  return {
    width_configs: widths.map((width) => Math.max(64, Math.round(width / 512) * 64)),
    conv_dim: 16,
    proj_dim: 11,
  };
}

describe.each([...registry.keys()])("%s", (name) => {
  test("initialise, write, read, export, run", () =>
    sweep(name, { config: narrow(registry.get(name)!.config), height: 61, width: 94 }));
});

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
