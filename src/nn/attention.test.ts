import { expect, test } from "vitest";
import { maxDifference } from "../../test/golden-case.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { trace } from "../graph/scope.ts";
import { RandomSource } from "../random.ts";
import { type TensorData, tensor } from "../tensor.ts";
import { selfAttention } from "./attention.ts";

function random(shape: readonly number[], name: string): TensorData {
  const source = new RandomSource(5, name);
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: count }, () => source.normal()),
  );
}

test("rows by token or by sequence, the numbers are the same", () => {
  const answers = [false, true].map((tokensFirst) => {
    const graph = trace((scope) => ({
      y: selfAttention(scope.at("attn"), scope.graph.input("x", ["n", 5, 12]), 3, { tokensFirst }),
    }));
    const parameters = new Map([...graph.parameters].map(([name, { shape }]) => [name, random(shape, name)]));
    return interpret(graph, { inputs: { x: random([4, 5, 12], "x") }, parameters }).get("y")!;
  });
  expect(maxDifference(answers[1], answers[0]!)).toBeLessThan(1e-6);
  expect(maxDifference(answers[1], tensor("float32", [4, 5, 12], new Float32Array(240)))).toBeGreaterThan(0.1);
});
