// Every registered model at a fraction of its width: what does not depend on size. The full sizes are in the slow suite.
import { describe, expect, test } from "vitest";
import { countMacs } from "../src/graph/macs.ts";
import { printGraph } from "../src/graph/print.ts";
import { trace } from "../src/graph/scope.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { sweepFolder, sweepGradients, sweepInput, sweepRun } from "./registry-sweep.ts";
import { toys } from "./registry-toys.ts";

const toyOf = (name: string) => {
  const { architecture, config } = registry.get(name)!;
  const toy = toys[architecture];
  if (toy === undefined) throw new Error(`test/registry-toys.ts has no toy for the architecture ${architecture}`);
  return toy(config);
};

test.each([...registry.keys()])("%s: initialise, write, read", (name) => sweepFolder(name, toyOf(name)));

/** What a toy computes, as text. Drop-path rates and preprocessing are no part of it. */
function graphText(name: string): string {
  const toy = toyOf(name);
  const definition = defineModel(name, toy.config);
  const { name: input, value } = sweepInput(definition, toy);
  const graph = trace((scope) =>
    definition.architecture.build(
      scope,
      scope.graph.input(input, value.shape, value.dtype),
      definition.config,
      Mode.training(),
    ),
  );
  return printGraph(graph);
}

// Many registered models are one toy: each runs once.
const distinctToys = [...new Map([...registry.keys()].map((name) => [graphText(name), name])).values()];

describe.each(distinctToys)("%s", (name) => {
  test("export, run", () => sweepRun(name, toyOf(name)));
  // GFNet's policy learns by trial, not from the answer's gradient.
  test.skipIf(registry.get(name)!.architecture === "gfnet")("gradients", () => sweepGradients(name, toyOf(name)));
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
