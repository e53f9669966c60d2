// ConvNeXt and the isotropic one at toy size against the official code's numbers, under its names; and weights without scales of residuals.
import { describe, expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { convnextCase } from "./convnext-parity.ts";
import { goldenCases, isToy, maxDifference } from "./golden-case.ts";
import { expectInterpreterLayers, expectSessionLayers } from "./layer-parity.ts";

describe.each(goldenCases("convnext").filter(isToy))("%s", (name) => {
  test("interpreter", () => expectInterpreterLayers(convnextCase(name)));
  test("native", () => expectSessionLayers(convnextCase(name), "cpu"));
});

test("scales of residuals go into the weights where a configuration has none", () => {
  const { golden } = convnextCase("convnext/convnext_mini");
  const { architecture, config } = defineModel("convnext", { ...golden.config, ls_init_value: null });
  const graph = inferenceGraph({ architecture, config });
  expect([...graph.parameters.keys()].filter((name) => name.endsWith("gamma"))).toEqual([]);
  const parameters = fitWeights(graph, architecture.adoptWeights(golden.weights, config), "folded");
  const outputs = interpret(graph, { inputs: { image: golden.image }, parameters });
  // Products are rounded to float32 once more.
  expect(maxDifference(outputs.get("logits"), golden.outputs.get("logits")!)).toBeLessThan(1e-5);
});

test("a scale that does not fit its layer stays, to be reported", () => {
  const { golden } = convnextCase("convnext/convnext_mini");
  const { architecture, config } = defineModel("convnext", { ...golden.config, ls_init_value: null });
  const weights = new Map(golden.weights);
  weights.delete("stages.0.0.pwconv2.bias");
  const adopted = architecture.adoptWeights(weights, config);
  expect([...adopted.keys()].filter((name) => name.endsWith("gamma"))).toEqual(["stages.0.blocks.0.gamma"]);
});
