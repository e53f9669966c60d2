// DToP's official numbers in WebAssembly, with standard operators, one picture at a time, and in the interpreter.
import { describe, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import { dtopCase, expectDtopParity, LAYERS } from "./dtop-parity.ts";
import { goldenCases } from "./golden-case.ts";

describe.each(goldenCases("dtop"))("%s", (name) => {
  const { golden, definition, weights } = dtopCase(name);
  const { image } = golden;

  test.each([
    ["wasm", "onnxruntime"],
    ["wasm", "portable"],
    ["cpu", "portable"],
  ] as const)("%s, %s", async (device, target) => {
    const graph = inferenceGraph(definition, {}, { layers: LAYERS });
    await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
    const outputs = await session.run({ image });
    expectDtopParity(golden, (output) => outputs[output]!);
  });

  test.each(["cpu", "wasm"] as const)("%s: one picture at a time, whose tokens are all it computes", async (device) => {
    const graph = inferenceGraph(definition, { batch: 1 }, { layers: LAYERS });
    await using session = await nodeHost.createSession(lower(graph, { parameters: weights }), { device });
    const pixels = image.data.length / 2;
    const answers: Record<string, TensorData>[] = [];
    for (const i of [0, 1]) {
      const data = image.data.slice(i * pixels, (i + 1) * pixels);
      answers.push(await session.run({ image: { ...image, shape: [1, ...image.shape.slice(1)], data } }));
    }
    expectDtopParity(golden, (output) => joined(answers.map((outputs) => outputs[output]!)));
  });

  test("the interpreter", () => {
    const graph = inferenceGraph(definition, {}, { layers: LAYERS });
    const outputs = interpret(graph, { inputs: { image }, parameters: weights });
    expectDtopParity(golden, (output) => outputs.get(output)!);
  });
});

/** Answers of single pictures as those of a batch. */
function joined(answers: readonly TensorData[]): TensorData {
  const { dtype, shape } = answers[0]!;
  const data = Float32Array.from(answers.flatMap(({ data }) => Array.from(data as Float32Array)));
  return { dtype, shape: [answers.length, ...shape.slice(1)], data } as TensorData;
}
