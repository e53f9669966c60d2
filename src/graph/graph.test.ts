import { describe, expect, test } from "vitest";
import { ShapeError } from "../errors.ts";
import { add, conv, expand, gemm, matMul, mul, pad, reshape, slice, transpose } from "./build.ts";
import { printGraph } from "./print.ts";
import { imageInput, Scope, trace } from "./scope.ts";
import { Graph } from "./tensor.ts";

describe("graph", () => {
  test("equal applications are one tensor, and numbers are constants of the other side's dtype", () => {
    const graph = new Graph();
    const x = graph.input("x", ["batch", 4]);
    expect(mul(x, 2)).toBe(mul(x, 2));
    expect(mul(x, 2)).not.toBe(mul(x, 3));
    expect(mul(graph.input("i", [2], "int64"), 2).dtype).toBe("int64");
    expect(slice(x, 1, 2)).toBe(slice(x, 1, 2));
    expect(slice(x, 1, 2, 3)).not.toBe(slice(x, 1, 2));
    expect(pad(x, [0, 1], [0, 0], Number.NEGATIVE_INFINITY)).toBe(pad(x, [0, 1], [0, 0], Number.NEGATIVE_INFINITY));
    const padded = [0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map((value) =>
      pad(x, [0, 1], [0, 0], value),
    );
    expect(new Set(padded).size).toBe(5);
    expect(pad(x, [0, 1], [0, 0])).not.toBe(pad(x, [0, 0], [0, 1]));
  });

  test("a reshape of a reshape is one, or none when it leads back", () => {
    const x = new Graph().input("x", ["batch", 6, 4]);
    const flat = reshape(x, [-1, 4]);
    expect(flat.shape).toEqual(["6*batch", 4]);
    expect(reshape(flat, ["batch", 6, 4])).toBe(x);
    expect(reshape(flat, ["batch", 24]).inputs[0]).toBe(x);
  });

  test("a parameter asked for twice is shared; with another shape it is a mistake", () => {
    const scope = new Scope(new Graph()).at("layers", 0);
    const weight = scope.parameter("weight", [2, 3], { kind: "zeros" });
    expect(scope.parameter("weight", [2, 3], { kind: "zeros" })).toBe(weight);
    expect(() => scope.parameter("weight", [3, 2], { kind: "zeros" })).toThrow(/layers\.0\.weight.*\[2, 3\].*\[3, 2\]/);
  });

  test("tensors of two graphs cannot meet", () => {
    expect(() => add(new Graph().input("a", [1]), new Graph().input("b", [1]))).toThrow(/two different graphs/);
  });

  test("only what an output needs is needed", () => {
    const graph = trace(({ graph }) => {
      const x = graph.input("x", [2]);
      mul(x, 7);
      return { y: add(x, 1) };
    });
    expect(graph.needed().map(({ op }) => op)).toEqual(["input", "constant", "add"]);
  });
});

describe("shape errors name the op, the shapes and the path", () => {
  const inScope = (body: (scope: Scope) => unknown) => () => {
    const scope = new Scope(new Graph()).at("layers", 3, "attn");
    return scope.run(() => body(scope));
  };

  test.each([
    [
      "matMul at layers.3.attn: inner sizes 4 and 5 differ (shapes float32[batch, 4], float32[5, 6])",
      inScope(({ graph }) => matMul(graph.input("a", ["batch", 4]), graph.input("b", [5, 6]))),
    ],
    [
      "add at layers.3.attn: sizes batch and 3 in dimension 0 do not broadcast (shapes float32[batch], float32[3])",
      inScope(({ graph }) => add(graph.input("a", ["batch"]), graph.input("b", [3]))),
    ],
    [
      "gemm at layers.3.attn: the bias must be [6] (shapes float32[2, 4], float32[4, 6], float32[5])",
      inScope(({ graph }) => gemm(graph.input("a", [2, 4]), graph.input("b", [4, 6]), graph.input("c", [5]))),
    ],
    [
      "reshape at layers.3.attn: cannot become [7]: the sizes differ (shapes float32[2, 4])",
      inScope(({ graph }) => reshape(graph.input("a", [2, 4]), [7])),
    ],
    [
      "conv at layers.3.attn: 1 groups: the channels do not fit the weight (shapes float32[1, 4, 8, 8], float32[2, 3, 3, 3])",
      inScope(({ graph }) => conv(graph.input("a", [1, 4, 8, 8]), graph.input("b", [2, 3, 3, 3]), undefined)),
    ],
    [
      "add at layers.3.attn: the dtypes differ (cast first) (shapes float32[2], int64[2])",
      inScope(({ graph }) => add(graph.input("a", [2]), graph.input("b", [2], "int64"))),
    ],
  ])("%s", (message, build) => {
    expect(build).toThrow(ShapeError);
    expect(build).toThrow(message);
  });
});

test("free sizes go through convolution, slices and transposes", () => {
  const graph = new Graph();
  const image = imageInput(graph);
  const weight = new Scope(graph).parameter("w", [8, 3, 7, 7], { kind: "zeros" });
  const features = conv(image, weight, undefined, { strides: [2, 2], padding: [3, 3] });
  expect(features.shape).toEqual(["batch", 8, "floor((height - 1)/2) + 1", "floor((width - 1)/2) + 1"]);
  expect(transpose(features, [0, 2, 3, 1]).shape[3]).toBe(8);
  expect(slice(image, 2, 1).shape[2]).toBe("height - 1");
  expect(expand(graph.input("row", [1, 4]), ["batch", 4]).shape).toEqual(["batch", 4]);
});

test("a graph prints as text that a person can read", () => {
  const graph = trace((scope) => {
    const x = scope.graph.input("image", ["batch", 4]);
    const layer = scope.at("layers", 0);
    const y = layer.run(() =>
      gemm(x, layer.parameter("weight", [6, 4], { kind: "zeros" }), undefined, { transposeB: true }),
    );
    return { logits: mul(y, 0.5) };
  });
  expect(printGraph(graph)).toBe(
    [
      "input image: f32[batch, 4]",
      "%0: f32[batch, 6] = gemm(image, layers.0.weight) {transposeB}    # layers.0",
      "%1: f32[batch, 6] = mul(%0, 0.5)",
      "output logits = %1",
      "",
    ].join("\n"),
  );
});
