import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Scope } from "../graph/scope.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { batchNorm } from "./batch-norm.ts";
import { Mode } from "./mode.ts";

const f32 = (shape: readonly number[], values: readonly number[]) =>
  tensor("float32", shape, Float32Array.from(values));

/** Four values a channel: means 2.5 and 0, biased variances 1.25 and 9. */
const X = f32([2, 2, 2, 1], [1, 2, -3, 3, 3, 4, 3, -3]);
const PARAMETERS = new Map<string, TensorData>([
  ["bn.weight", f32([2], [2, 3])],
  ["bn.bias", f32([2], [0.5, -1])],
  ["bn.running_mean", f32([2], [10, 20])],
  ["bn.running_var", f32([2], [4, 9])],
]);

function run(mode: Mode, build: (scope: Scope, x: Tensor) => Tensor) {
  const graph = new Graph();
  graph.output("y", build(new Scope(graph, "bn"), graph.input("x", X.shape)));
  for (const [name, next] of mode.bufferUpdates) graph.output(`next.${name}`, next);
  const outputs = interpret(graph, { inputs: { x: X }, parameters: PARAMETERS, precision: "float64" });
  return (name: string) => [...toFloat64(outputs.get(name)!)];
}

const normal = (x: number, mean: number, variance: number, weight: number, bias: number) =>
  ((x - mean) / Math.sqrt(variance + 1e-5)) * weight + bias;

test("inference: running statistics", () => {
  const mode = Mode.inference();
  const value = run(mode, (scope, x) => batchNorm(scope, x, mode));
  expect(mode.bufferUpdates.size).toBe(0);
  expect(value("y")[0]).toBeCloseTo(normal(1, 10, 4, 2, 0.5), 9);
  expect(value("y")[3]).toBeCloseTo(normal(3, 20, 9, 3, -1), 9);
});

test("training: the batch's, and the running ones move a tenth towards its mean and unbiased variance", () => {
  const mode = Mode.training();
  const value = run(mode, (scope, x) => batchNorm(scope, x, mode));
  expect(value("y")[0]).toBeCloseTo(normal(1, 2.5, 1.25, 2, 0.5), 9);
  expect(value("y")[3]).toBeCloseTo(normal(3, 0, 9, 3, -1), 9);
  expect(value("next.bn.running_mean")).toEqual([9 + 0.25, 18].map((v) => expect.closeTo(v, 6)));
  expect(value("next.bn.running_var")).toEqual(
    [3.6 + (0.1 * 5) / 3, 8.1 + (0.1 * 36) / 3].map((v) => expect.closeTo(v, 6)),
  );
});

test("a layer that runs twice moves them twice", () => {
  const mode = Mode.training();
  const value = run(mode, (scope, x) => {
    batchNorm(scope, x, mode);
    return batchNorm(scope, x, mode);
  });
  expect(value("next.bn.running_mean")[0]).toBeCloseTo(0.9 * 9.25 + 0.25, 6);
});

test("training with statistics that stay: as at inference", () => {
  const mode = Mode.training({ keepsStatistics: (buffer) => buffer === "bn.running_mean" });
  const value = run(mode, (scope, x) => batchNorm(scope, x, mode));
  expect(mode.bufferUpdates.size).toBe(0);
  expect(value("y")[0]).toBeCloseTo(normal(1, 10, 4, 2, 0.5), 9);
});

test("one value a channel has no variance", () => {
  const graph = new Graph();
  const x = graph.input("x", [1, 2, 1, 1]);
  expect(() => batchNorm(new Scope(graph), x, Mode.training())).toThrow(/more than one value/);
});
