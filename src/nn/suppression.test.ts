// Detections out of overlapping candidates, in the graph.
import { expect, test } from "vitest";
import { expectClose } from "../../test/compare.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Graph } from "../graph/tensor.ts";
import { lower } from "../onnx/lower.ts";
import { nodeHost } from "../platform/node/host.ts";
import { tensor, toFloat64 } from "../tensor.ts";
import { suppress } from "./suppression.ts";

const graph = new Graph();
const found = suppress(graph.input("candidates", ["batch", 4, 4]), graph.input("probabilities", ["batch", 4, 2]), {
  iouThreshold: 0.5,
  scoreThreshold: 0.2,
  most: 4,
});
for (const [name, value] of Object.entries(found)) graph.output(name, value);

// The first two candidates are nearly one; in the second class the second of them is the better one.
const inputs = {
  candidates: tensor(
    "float32",
    [1, 4, 4],
    Float32Array.of(0.2, 0.2, 0.2, 0.2, 0.21, 0.2, 0.2, 0.2, 0.7, 0.7, 0.2, 0.4, 0.5, 0.5, 0.1, 0.1),
  ),
  probabilities: tensor("float32", [1, 4, 2], Float32Array.of(0.9, 0.3, 0.8, 0.6, 0.1, 0.7, 0.15, 0.05)),
};

test("each class suppresses its own, the best of all classes come first, what is missing has the score -1", async () => {
  const outputs = interpret(graph, { inputs, parameters: new Map() });
  const scores = [...toFloat64(outputs.get("scores")!)];
  [0.9, 0.7, 0.6, -1].forEach((score, i) => {
    expect(scores[i]).toBeCloseTo(score, 6);
  });
  expect([...toFloat64(outputs.get("classes")!)].slice(0, 3)).toEqual([0, 1, 1]);
  expect([...toFloat64(outputs.get("boxes")!)].slice(0, 12).map((x) => Number(x.toFixed(3)))).toEqual([
    0.2, 0.2, 0.2, 0.2, 0.7, 0.7, 0.2, 0.4, 0.21, 0.2, 0.2, 0.2,
  ]);
  for (const device of ["cpu", "wasm"] as const) {
    await using session = await nodeHost.createSession(lower(graph), { device });
    const answers = await session.run(inputs);
    for (const [name, expected] of outputs) expectClose(answers[name]!, expected, 1e-6);
  }
});
