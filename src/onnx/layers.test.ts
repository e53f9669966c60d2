import { expect, test } from "vitest";
import { createSession } from "../../test/train/fit.ts";
import { FormatError } from "../errors.ts";
import { add, mul, reduceMean, relu } from "../graph/build.ts";
import { trace } from "../graph/scope.ts";
import { tensor } from "../tensor.ts";
import { onnxLayers, withOutput } from "./layers.ts";
import { lower } from "./lower.ts";
import { readNodes } from "./nodes.ts";
import { readOnnx } from "./read.ts";

/** y = mean(relu(x) * weight) over the last axis, other = x + 1. */
const graph = trace((scope) => {
  const x = scope.graph.input("x", ["n", 2]);
  const weight = scope.parameter("weight", [2], { kind: "ones" });
  return { y: reduceMean(mul(relu(x), weight), [1]), other: add(x, 1) };
});
const weight = tensor("float32", [2], Float32Array.of(2, 3));
const model = lower(graph, { parameters: new Map([["weight", weight]]) });
const made = (op: string) => readNodes(model).find((node) => node.op === op)!.outputs[0]!;
const x = tensor("float32", [2, 2], Float32Array.of(-1, 1, 2, 3));

test("a value in the middle becomes the only output, with nothing that comes after it or beside it", async () => {
  const bytes = withOutput(model, "m.onnx", made("Mul"));
  expect(readNodes(bytes).map(({ op }) => op)).toEqual(["Relu", "Mul"]);
  expect(readOnnx(bytes).outputs.map(({ name }) => name)).toEqual([made("Mul")]);
  await using session = await createSession(bytes, {});
  const { [made("Mul")]: value } = await session.run({ x });
  expect(value!.shape).toEqual([2, 2]);
  expect([...value!.data]).toEqual([0, 3, 4, 9]);
});

test("weights that only other values need are left out", () => {
  const bytes = withOutput(model, "m.onnx", made("Relu"));
  expect(readOnnx(bytes).initializers).toEqual([]);
  expect(readOnnx(model).initializers.map(({ name }) => name)).toContain("weight");
});

test("a file that has the output is left as it is", () => {
  expect(withOutput(model, "m.onnx", "other")).toBe(model);
});

test("what can be read is what nodes compute: neither inputs nor weights", () => {
  expect(onnxLayers(model)).toEqual(expect.arrayContaining(["y", "other", made("Relu"), made("Mul")]));
  expect(onnxLayers(model)).not.toContain("x");
  expect(onnxLayers(model)).not.toContain("weight");
});

test("bytes that are no model", () => {
  expect(() => withOutput(new Uint8Array([1, 2, 3]), "m.onnx", "y")).toThrow(FormatError);
});
