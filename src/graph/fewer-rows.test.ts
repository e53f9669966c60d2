import { describe, expect, test } from "vitest";
import { initialWeights } from "../models/graph.ts";
import { layerNorm } from "../nn/layer-norm.ts";
import { linear } from "../nn/linear.ts";
import { mlp } from "../nn/mlp.ts";
import { RandomSource } from "../random.ts";
import { tensor, toFloat64 } from "../tensor.ts";
import * as g from "./build.ts";
import { fewerRows } from "./fewer-rows.ts";
import { interpret } from "./interpreter/interpret.ts";
import { type Scope, trace } from "./scope.ts";
import type { Graph, Tensor } from "./tensor.ts";

const [TOKENS, WIDTH] = [5, 8];

/** x + perceptron(norm(x)), and what a head reads of it. */
function block(head: (tokens: Tensor) => Tensor) {
  return (scope: Scope) => {
    const x = scope.graph.input("x", ["batch", TOKENS, WIDTH]);
    const tokens = g.add(x, mlp(scope.at("mlp"), layerNorm(scope.at("norm"), x, 1e-6)));
    return { y: linear(scope.at("head"), head(tokens), 3), tokens };
  };
}

/** The rows that linear layers multiply, in order. */
const rowsOf = (graph: Graph) =>
  graph.needed().flatMap(({ op, inputs }) => (op === "gemm" ? [String(inputs[0]!.shape[0])] : []));

function onlyAnswer(source: Graph): Graph {
  const graph = fewerRows(source, new Map([["y", source.outputs.get("y")!]]));
  const random = new RandomSource(2, "fewer-rows");
  const x = tensor(
    "float32",
    [2, TOKENS, WIDTH],
    Float32Array.from({ length: 2 * TOKENS * WIDTH }, () => random.normal()),
  );
  const parameters = initialWeights(source, 4);
  const [expected, actual] = [source, graph].map(
    (one) => interpret(one, { inputs: { x }, parameters, outputs: ["y"] }).get("y")!,
  );
  expect(actual!.shape).toEqual(expected!.shape);
  const right = toFloat64(expected!);
  toFloat64(actual!).forEach((value, i) => {
    expect(value).toBeCloseTo(right[i]!, 6);
  });
  return graph;
}

describe("layers compute only the rows that are read", () => {
  test("of a mean, the linear layer before it", () => {
    const graph = onlyAnswer(trace(block((tokens) => g.reduceMean(tokens, 1))));
    expect(rowsOf(graph)).toEqual(["5*batch", "batch", "batch"]);
  });

  test("of one token, its whole perceptron", () => {
    const graph = onlyAnswer(trace(block((tokens) => g.reshape(g.slice(tokens, 1, 1, 2), ["batch", WIDTH]))));
    expect(rowsOf(graph)).toEqual(["batch", "batch", "batch"]);
  });

  test("all, where all are read", () => {
    const source = trace(block((tokens) => g.reduceMean(tokens, 1)));
    expect(rowsOf(fewerRows(source, source.outputs))).toEqual(["5*batch", "5*batch", "batch"]);
  });

  test("all, where the mean is of a product that is read twice", () => {
    const source = trace((scope) => {
      const x = scope.graph.input("x", ["batch", TOKENS, WIDTH]);
      const layer = linear(scope.at("layer"), x, WIDTH);
      return { y: g.add(g.reduceMean(layer, 1), g.reduceMean(g.exp(layer), 1)) };
    });
    expect(rowsOf(onlyAnswer(source))).toEqual(["5*batch"]);
  });
});
