// A convolutional model's golden case against every engine. Cases of test/goldens/timm-extra say in `model` what they are a case of, others
// are called after their model.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";

/** The case's model with its weights, checked to fit with nothing missing and nothing left over. */
export function backboneGraph(name: string) {
  const golden = loadGolden(name)!;
  const { model = name.split("/").at(-1) } = golden.json as { model?: string };
  const definition = defineModel(model!, golden.config);
  const graph = inferenceGraph(definition);
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  return { golden, graph, weights: fitWeights(graph, adopted, name) };
}

function expectOutputs(golden: GoldenCase, outputs: (name: string) => TensorData | undefined, tolerance?: number) {
  expect([...golden.outputs.keys()].sort()).toEqual(["features", "logits"]);
  for (const [name, expected] of golden.outputs)
    expect(maxDifference(outputs(name), expected), name).toBeLessThan(tolerance ?? toleranceOf(golden, name));
}

/** The interpreter computes in float64, as the goldens were: only their storage rounds. */
export function expectInterpreterParity(name: string): void {
  const { golden, graph, weights } = backboneGraph(name);
  const outputs = interpret(graph, { inputs: { image: golden.image }, parameters: weights });
  expectOutputs(golden, (output) => outputs.get(output), 2e-6);
}

export async function expectSessionParity(
  name: string,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const { golden, graph, weights } = backboneGraph(name);
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  const outputs = await session.run({ image: golden.image }, { outputs: [...golden.outputs.keys()] });
  expectOutputs(golden, (output) => outputs[output]);
}
