import { expect, test } from "vitest";
import { maxDifference } from "../../test/golden-case.ts";
import { type TensorData, tensor } from "../tensor.ts";
import * as g from "./build.ts";
import { type Dim, evaluateDim } from "./dimensions.ts";
import { interpret } from "./interpreter/interpret.ts";
import type { Op } from "./ops.ts";
import { type Scope, trace } from "./scope.ts";
import { simplify } from "./simplify.ts";
import type { Graph, Tensor } from "./tensor.ts";

/** Numbers that no two elements share, and that no op maps to each other by chance. */
function wavy(shape: readonly number[], phase: number): TensorData {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + phase)),
  );
}

function count(graph: Graph, op: Op): number {
  return graph.needed().filter((node) => node.op === op).length;
}

/** Both graphs on the same numbers, with batch 3. */
function expectSameValues(graph: Graph, simpler: Graph): void {
  const sizes = new Map([["batch", 3]]);
  const concrete = (shape: readonly Dim[]) => shape.map((size) => evaluateDim(size, sizes));
  const inputs = Object.fromEntries(
    [...graph.inputs].map(([name, { shape }], i) => [name, wavy(concrete(shape), i + 1)]),
  );
  const parameters = new Map([...graph.parameters].map(([name, { shape }], i) => [name, wavy(shape, i + 0.5)]));
  const expected = interpret(graph, { inputs, parameters });
  const actual = interpret(simpler, { inputs, parameters });
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, value] of expected) expect(maxDifference(actual.get(name), value), name).toBeLessThan(1e-6);
}

/** Tokens (batch, 5, 4) through two residual perceptrons, each reshaping around its products. */
function perceptrons(scope: Scope): Record<string, Tensor> {
  let tokens = scope.graph.input("tokens", ["batch", 5, 4]);
  for (const layer of [0, 1]) {
    const own = scope.at(layer);
    const linear = (name: string, x: Tensor, width: number) => {
      const rows = g.reshape(x, ["5*batch", x.shape.at(-1)!]);
      const weight = own.parameter(name, [width, x.shape.at(-1) as number], { kind: "zeros" });
      return g.reshape(g.gemm(rows, weight, undefined, { transposeB: true }), ["batch", 5, width]);
    };
    const scale = own.parameter("norm", [4], { kind: "ones" });
    const bias = own.parameter("bias", [8], { kind: "zeros" });
    const normal = g.layerNorm(tokens, scale, undefined, 1e-5);
    const hidden = g.gelu(g.add(linear("fc1", normal, 8), bias));
    tokens = g.add(tokens, g.mul(linear("fc2", hidden, 4), 0.5));
  }
  return { tokens };
}

test("between layers, tokens stay a matrix", () => {
  const graph = trace(perceptrons);
  const simpler = simplify(graph);
  expect(count(graph, "reshape")).toBe(8);
  // One on the way in beside the residual, one for what the first norm reads, one on the way out.
  expect(count(simpler, "reshape")).toBe(3);
  expectSameValues(graph, simpler);
});

test("names, kinds of parameters and paths stay", () => {
  const graph = trace((scope) => ({
    y: scope.at("a").run(() => g.exp(g.reshape(scope.graph.input("x", ["batch", 4]), [-1]))),
    unused: scope.at("b").buffer("count", [2], { kind: "zeros" }, "int64"),
  }));
  graph.parameter("never.read", [3], { kind: "ones" });
  const simpler = simplify(graph);
  expect([...simpler.inputs.keys()]).toEqual(["x"]);
  expect([...simpler.parameters.values()].map(({ name, trainable, dtype }) => [name, trainable, dtype])).toEqual([
    ["b.count", false, "int64"],
    ["never.read", true, "float32"],
  ]);
  expect([...simpler.outputs.keys()]).toEqual(["y", "unused"]);
  expect(simpler.needed().find(({ op }) => op === "exp")?.path).toBe("a");
});

/** Whether `build` now runs before the reshape of its operand instead of behind it: a matrix (6 batch, 4), reshaped to `to`. */
function sinks(build: (x: Tensor, graph: Graph) => Tensor, to: Dim[] = ["batch", 6, 4]) {
  const graph = trace((scope) => {
    const matrix = g.softmax(g.reshape(scope.graph.input("x", ["batch", 6, 4]), [-1, 4]));
    return { y: g.neg(build(g.reshape(matrix, to), scope.graph)) };
  });
  const simpler = simplify(graph);
  return { graph, simpler, sunk: simpler.outputs.get("y")?.op === "reshape" };
}

test.each<[string, boolean, (x: Tensor, graph: Graph) => Tensor]>([
  ["a number", true, (x) => g.mul(x, 3)],
  ["a number of rank 3", true, (x, graph) => g.sub(g.values(graph, [1, 1, 1], [2]), x)],
  ["a vector along the last axis", true, (x, graph) => g.add(x, g.values(graph, [4], [1, 2, 3, 4]))],
  ["a vector behind ones", true, (x, graph) => g.div(g.values(graph, [1, 1, 4], [1, 2, 3, 4]), x)],
  ["all elements", true, (x, graph) => g.maximum(x, graph.input("other", ["batch", 6, 4]))],
  ["all elements, and a choice", true, (x) => g.where(g.less(x, 0), x, 1)],
  ["a column", false, (x, graph) => g.add(x, g.values(graph, [6, 1], [1, 2, 3, 4, 5, 6]))],
  ["one row a picture", false, (x, graph) => g.mul(x, graph.input("row", ["batch", 1, 4]))],
  ["what is larger", false, (x, graph) => g.add(x, graph.input("stack", [2, "batch", 6, 4]))],
  [
    "a norm along the last axis",
    true,
    (x, graph) => g.layerNorm(x, g.values(graph, [4], [1, 2, 3, 4]), undefined, 1e-5),
  ],
  ["the deviation along the last axis", true, (x) => g.inverseDeviation(x, 1e-5)],
  ["another op", false, (x) => g.softmax(x)],
])("beside %s: %s", (_, expected, build) => {
  const { graph, simpler, sunk } = sinks(build);
  expect(sunk).toBe(expected);
  expectSameValues(graph, simpler);
});

test.each<[string, (x: Tensor, graph: Graph) => Tensor]>([
  ["a vector", (x, graph) => g.add(x, g.values(graph, [2], [1, 2]))],
  ["a norm", (x, graph) => g.layerNorm(x, g.values(graph, [2], [1, 2]), undefined, 1e-5)],
])("a reshape that splits the last axis stays above %s", (_, build) => {
  const { graph, simpler, sunk } = sinks(build, ["6*batch", 2, 2]);
  expect(sunk).toBe(false);
  expectSameValues(graph, simpler);
});
