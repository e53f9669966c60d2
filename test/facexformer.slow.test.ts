// FaceXFormer: the official code's numbers natively and in WebAssembly.
import { describe, expect, test } from "vitest";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { goldenCases, loadGolden, maxDifference } from "./golden-case.ts";

/** Of masks cases hold every seventh row and column. */
function asStored(name: string, value: TensorData): TensorData {
  if (name !== "masks") return value;
  const [n = 0, parts = 0, height = 0, width = 0] = value.shape;
  const values = toFloat64(value);
  const [rows, columns] = [Math.ceil(height / 7), Math.ceil(width / 7)];
  const picked = Float32Array.from({ length: n * parts * rows * columns }, (_, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns) % rows];
    return values[(Math.floor(i / (rows * columns)) * height + 7 * row) * width + 7 * column]!;
  });
  return tensor("float32", [n, parts, rows, columns], picked);
}

describe.each(goldenCases("facexformer"))("%s", (name) => {
  test.each(["cpu", "wasm"] as const)("%s", async (device) => {
    const golden = loadGolden(name)!;
    const definition = defineModel("facexformer", golden.config);
    const graph = inferenceGraph(definition);
    const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
    const parameters = fitWeights(graph, adopted, name);
    await using session = await nodeHost.createSession(lower(graph, { parameters, target: "onnxruntime" }), { device });
    const outputs = await session.run({ image: golden.image });
    const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
    for (const [output, expected] of golden.outputs)
      expect(maxDifference(asStored(output, outputs[output]!), expected), output).toBeLessThan(
        1e-4 + 4 * errors[output]!,
      );
  });
});
