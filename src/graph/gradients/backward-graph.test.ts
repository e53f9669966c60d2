// What the appended graph looks like: no more nodes than needed.
import { describe, expect, test } from "vitest";
import { tensor } from "../../tensor.ts";
import * as g from "../build.ts";
import { interpret } from "../interpreter/interpret.ts";
import { printGraph } from "../print.ts";
import { Graph, type Tensor } from "../tensor.ts";
import { differentiate } from "./differentiate.ts";

const total = (x: Tensor) =>
  g.reduceSum(
    x,
    x.shape.map((_, i) => i),
  );

/** The ops that the gradients need and the loss does not. */
function backwardOps(loss: Tensor, gradients: readonly Tensor[]): string[] {
  const forward = new Set(loss.graph.needed([loss]));
  return loss.graph.needed(gradients).flatMap((node) => (forward.has(node) || node.op === "constant" ? [] : [node.op]));
}

describe("differentiate", () => {
  test("takes the path to what is asked for, and no other", () => {
    const graph = new Graph();
    const image = graph.input("image", [2, 3, 8, 8]);
    const weight = graph.input("weight", [4, 3, 3, 3]);
    const loss = total(g.relu(g.conv(image, weight, undefined, { strides: [2, 2] })));
    expect(backwardOps(loss, differentiate(loss, [weight]))).not.toContain("convTranspose");
    expect(backwardOps(loss, differentiate(loss, [image]))).toContain("convTranspose");
  });

  test("zeros for what the loss does not depend on", () => {
    const graph = new Graph();
    const [x, y] = [graph.input("x", [2]), graph.input("y", [3, 1])];
    const gradients = differentiate(total(g.add(x, total(g.stopGradient(y)))), [x, y]);
    graph.output("dy", gradients[1]!);
    expect(interpret(graph, { inputs: {}, parameters: new Map() }).get("dy")).toEqual(
      tensor("float32", [3, 1], new Float32Array(3)),
    );
  });

  test("intermediate tensors, and tensors that depend on one another", () => {
    const graph = new Graph();
    const x = graph.input("x", [2]);
    const square = g.mul(x, x);
    const loss = total(g.add(square, g.mul(square, x)));
    differentiate(loss, [x, square, loss]).forEach((gradient, i) => {
      graph.output(`${i}`, gradient);
    });
    const inputs = { x: tensor("float32", [2], Float32Array.of(1, 2)) };
    const results = interpret(graph, { inputs, parameters: new Map() });
    // x^2 + x^3: 2 x + 3 x^2; 1 + x; 1.
    expect([...results.values()].map(({ data }) => Array.from(data as Float32Array))).toEqual([[5, 16], [2, 3], [1]]);
  });

  test("gradients carry the path of the layer they belong to, and the graph's path is left alone", () => {
    const graph = new Graph();
    const x = graph.input("x", [2]);
    graph.currentPath = "layers.0";
    const y = g.gelu(x);
    graph.currentPath = "loss";
    const [dx] = differentiate(total(y), [x]);
    expect(dx!.path).toBe("layers.0");
    expect(graph.currentPath).toBe("loss");
  });

  test("mistakes are named", () => {
    const graph = new Graph();
    const x = graph.input("x", [2]);
    expect(() => differentiate(x, [x])).toThrow("a loss must be a float scalar, not float32[2]");
    expect(() => differentiate(total(x), [graph.input("i", [2], "int64")])).toThrow("float tensors");
    expect(() => differentiate(total(x), [new Graph().input("x", [2])])).toThrow("own graph");
    const free = graph.input("free", [1, 1, "height", 4]);
    expect(() => differentiate(total(g.resize(free, [3, 3], "linear")), [free])).toThrow(
      'needs fixed sizes, not "height"',
    );
  });
});

describe("lean graphs", () => {
  test("a split's gradient is one concat", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 6]);
    const [a, b, c] = g.split(x, 1, [2, 2, 2]) as [Tensor, Tensor, Tensor];
    const loss = total(g.mul(g.mul(a, b), c));
    const ops = backwardOps(loss, differentiate(loss, [x]));
    expect(ops.filter((op) => op === "concat")).toHaveLength(1);
    expect(ops).not.toContain("pad");
  });

  test("no broadcast is written out where the next op broadcasts by itself, and nothing is multiplied by one", () => {
    const graph = new Graph();
    const [x, w] = [graph.input("x", [4, 6]), graph.input("w", [6, 3])];
    const loss = g.reduceMean(g.tanh(g.gemm(x, w)), [0, 1]);
    differentiate(loss, [w]).forEach((gradient, i) => {
      graph.output(`d${i}`, gradient);
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input x: f32[4, 6]
      input w: f32[6, 3]
      %0: f32[4, 3] = gemm(x, w)
      %1: f32[4, 3] = tanh(%0)
      %2: f32[1, 1] = reshape(0.0833333358168602) {shape=[1, 1]}
      %3: f32[4, 3] = mul(%1, %1)
      %4: f32[4, 3] = sub(1, %3)
      %5: f32[4, 3] = mul(%2, %4)
      %6: f32[6, 3] = gemm(x, %5) {transposeA}
      output d0 = %6
      "
    `);
  });

  test("weights shared by a batch get one matrix product", () => {
    const graph = new Graph();
    const [x, w] = [graph.input("x", [8, 4, 6]), graph.input("w", [6, 3])];
    const loss = total(g.exp(g.matMul(x, w)));
    const ops = backwardOps(loss, differentiate(loss, [w]));
    expect(ops).toContain("gemm");
    expect(ops).not.toContain("reduceSum");
  });
});
