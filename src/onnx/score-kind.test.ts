import { expect, test } from "vitest";
import { modelBytes, node } from "./graph-bytes.test-helper.ts";
import type { NodeProto } from "./onnx-pb.ts";
import { findScoreKind, type ScoreKind } from "./score-kind.ts";

const kind = (nodes: readonly NodeProto[], rank?: number) =>
  findScoreKind(modelBytes({ node: [...nodes] }), "m.onnx", "y", rank);
const chain = (...ops: readonly string[]) =>
  ops.map((op, i) => node(op, [i === 0 ? "x" : `v${i}`], [i === ops.length - 1 ? "y" : `v${i + 1}`]));

test.each([
  [["Gemm"], "logits"],
  [["Softmax"], "probabilities"],
  [["Gemm", "Softmax", "Identity"], "probabilities"],
  [["Softmax", "Cast", "Reshape", "Squeeze"], "probabilities"],
  [["Softmax", "QuantizeLinear", "DequantizeLinear"], "probabilities"],
  [["com.microsoft.QLinearSoftmax", "DequantizeLinear"], "probabilities"],
  [["LogSoftmax"], "log-probabilities"],
  [["Softmax", "Log"], "log-probabilities"],
  [["Sigmoid"], "independent-probabilities"],
  [["Sigmoid", "Flatten"], "independent-probabilities"],
  [["Softmax", "MatMul"], "logits"], // attention
  [["Sigmoid", "Mul"], "logits"], // swish
  [["Log"], "logits"],
  [["constructor"], "logits"],
] as [string[], ScoreKind][])("%j: %s", (ops, expected) => {
  expect(kind(chain(...ops)).kind).toBe(expected);
});

test("a softmax in parts, and one score with its complement", () => {
  const parts = [node("Exp", ["x"], ["e"]), node("ReduceSum", ["e"], ["s"]), node("Div", ["e", "s"], ["y"])];
  expect(kind(parts).kind).toBe("probabilities");
  const both = [node("Sigmoid", ["x"], ["p"]), node("Sub", ["one", "p"], ["q"]), node("Concat", ["q", "p"], ["y"])];
  expect(kind(both).kind).toBe("probabilities");
  expect(kind([node("Concat", ["a", "b"], ["y"])]).kind).toBe("logits");
});

test("a softmax over the batch is refused; of one picture's numbers alone it is over the classes", () => {
  const wrong = [node("Softmax", ["x"], ["y"], { axis: 0 })];
  expect(() => kind(wrong, 2)).toThrow(/axis 0/);
  expect(kind(wrong, 1).kind).toBe("probabilities");
  expect(kind([node("Softmax", ["x"], ["y"], { axis: -1 })], 2).kind).toBe("probabilities");
});

test("long chains and circles end", () => {
  expect(kind([node("Identity", ["y"], ["y"])]).kind).toBe("logits");
  expect(kind([node("Log", ["y"], ["y"])]).kind).toBe("logits");
  expect(kind([node("Sub", ["y", "y"], ["q"]), node("Concat", ["q", "y"], ["y"])]).kind).toBe("logits");
  expect(kind(chain(...Array.from({ length: 5000 }, () => "Log"))).kind).toBe("logits");
});

test("says which operator it was", () => {
  expect(kind(chain("Softmax", "Identity"))).toEqual({ kind: "probabilities", operator: "Softmax" });
  expect(kind(chain("Gemm"))).toEqual({ kind: "logits", operator: undefined, isGuess: true });
});
