// Sums and the normalisations that read them in one kernel: the same values, and only where it is one kernel's work.
import { expect, test } from "vitest";
import { expectClose } from "../../test/compare.ts";
import { add, layerNorm, mul, reshape } from "../graph/build.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { trace } from "../graph/scope.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { nodeHost } from "../platform/node/host.ts";
import { type TensorData, tensor } from "../tensor.ts";
import { lower } from "./lower.ts";
import { readOnnx } from "./read.ts";

const waves = (shape: readonly number[], step: number): TensorData =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * step)),
  );

const WIDTH = 256;

const graphOf = (
  build: (x: Tensor, y: Tensor, norm: (sum: Tensor, name: string) => Tensor) => Record<string, Tensor>,
) =>
  trace(({ graph }) => {
    const norm = (sum: Tensor, name: string) => {
      const [scale, bias] = ["scale", "bias"].map((part) =>
        graph.parameter(`${name}.${part}`, [Number(sum.shape.at(-1))], { kind: "ones" }),
      );
      return layerNorm(sum, scale!, bias!, 1e-5);
    };
    return build(graph.input("x", ["n", 3, WIDTH]), graph.input("y", ["n", 3, WIDTH]), norm);
  });

const parametersOf = (graph: Graph) =>
  new Map([...graph.parameters].map(([name, { shape }], i) => [name, waves(shape.map(Number), 0.3 + i)]));

const countOf = (graph: Graph, normedSums = true) =>
  readOnnx(lower(graph, { parameters: parametersOf(graph), normedSums })).opCounts[
    "com.microsoft.SkipLayerNormalization"
  ] ?? 0;

test("one kernel gives a sum and its first normalisation; whoever reads either gets the same values", async () => {
  const graph = graphOf((x, y, norm) => {
    const sum = add(x, y);
    const first = norm(sum, "first");
    const next = add(sum, first);
    return { sum, first, second: norm(sum, "second"), third: norm(next, "third"), next };
  });
  expect(countOf(graph)).toBe(2);
  expect(countOf(graph, false)).toBe(0);
  const parameters = parametersOf(graph);
  const inputs = { x: waves([2, 3, WIDTH], 0.9), y: waves([2, 3, WIDTH], 1.3) };
  await using session = await nodeHost.createSession(lower(graph, { parameters, normedSums: true }), { device: "cpu" });
  const answers = await session.run(inputs);
  const expected = interpret(graph, { inputs, parameters });
  expect([...Object.keys(answers)].sort()).toEqual([...expected.keys()].sort());
  for (const [name, value] of expected) expectClose(answers[name]!, value, 1e-5);
});

test("not where a row is narrow, a summand is spread out, or scales are computed", () => {
  expect(countOf(graphOf((x, y, norm) => ({ z: norm(reshape(add(x, y), ["n", 24, 32]), "narrow") })))).toBe(0);
  const spread = graphOf((x, _, norm) => ({
    z: norm(add(x, x.graph.parameter("row", [WIDTH], { kind: "ones" })), "spread"),
  }));
  expect(countOf(spread)).toBe(0);
  const computed = graphOf((x, y) => {
    const scale = mul(x.graph.parameter("scale", [WIDTH], { kind: "ones" }), 2);
    return { z: layerNorm(add(x, y), scale, undefined, 1e-5) };
  });
  expect(countOf(computed)).toBe(0);
});
