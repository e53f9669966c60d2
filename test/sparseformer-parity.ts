// Parity of one golden case with every engine: what the fast and the slow suites share.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { fitWeights, type InferenceForm, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import { type GoldenCase, maxDifference, toleranceOf } from "./golden-case.ts";

/** The case's model, its weights checked to fit with nothing missing and nothing left over. */
export function sparseformerGraph(golden: GoldenCase, form: InferenceForm = {}) {
  const architecture = golden.image.shape.length === 5 ? "media_sparseformer" : "sparseformer";
  const definition = defineModel(architecture, golden.config);
  const graph = inferenceGraph(definition, {}, form);
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  return { graph, weights: fitWeights(graph, adopted, golden.name) };
}

function expectOutputs(golden: GoldenCase, outputs: (name: string) => TensorData | undefined): void {
  expect(golden.outputs.size).toBeGreaterThan(0);
  for (const [name, expected] of golden.outputs)
    expect(maxDifference(outputs(name), expected), `${golden.name}: ${name}`).toBeLessThan(toleranceOf(golden, name));
}

/** Float64 inside, so a hundred times sharper than the goldens ask. */
export function expectInterpreterParity(golden: GoldenCase): void {
  const { graph, weights } = sparseformerGraph(golden);
  const outputs = interpret(graph, { inputs: { image: golden.image }, parameters: weights });
  expectOutputs(golden, (name) => outputs.get(name));
  for (const [name, expected] of golden.outputs)
    if (/roi/.test(name)) expect(maxDifference(outputs.get(name), expected), name).toBeLessThan(1e-6);
}

export async function expectSessionParity(
  golden: GoldenCase,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const { graph, weights } = sparseformerGraph(golden);
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  const outputs = await session.run({ image: golden.image }, { outputs: [...golden.outputs.keys()] });
  expectOutputs(golden, (name) => outputs[name]);
}
