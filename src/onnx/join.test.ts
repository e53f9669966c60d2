import { type create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { createSession } from "../../test/train/fit.ts";
import { FormatError, SaccadeError } from "../errors.ts";
import { add, gemm, mul, reduceMean, relu, values } from "../graph/build.ts";
import { trace } from "../graph/scope.ts";
import { tensor } from "../tensor.ts";
import { joinModel } from "./join.ts";
import { lower } from "./lower.ts";
import { ModelProtoSchema } from "./onnx-pb.ts";
import { readOnnx } from "./read.ts";

/** sum = mean of x over its last axis, times 10; other = relu(x). */
const model = lower(
  trace(({ graph }) => {
    const x = graph.input("x", ["n", 2]);
    return { mean: mul(reduceMean(x, [1]), 10), other: relu(x) };
  }),
  {},
);

/** x = 2 raw + 1. */
const before = trace(({ graph }) => {
  const raw = graph.input("raw", [3, 2]);
  return { x: add(mul(raw, 2), 1) };
});

/** total = mean + extra. */
const after = trace(({ graph }) => ({ total: add(graph.input("mean", [3]), graph.input("extra", [3])) }));

const raw = tensor("float32", [3, 2], Float32Array.of(0, 1, 2, 3, 4, 5));

test("what goes in is computed before the model, what comes out after it", async () => {
  const bytes = joinModel(model, "m.onnx", { before, after, outputs: ["total"] });
  const { inputs, outputs } = readOnnx(bytes);
  expect(inputs.map(({ name }) => name)).toEqual(["raw", "extra"]);
  expect(outputs.map(({ name }) => name)).toEqual(["total"]);
  const session = await createSession(bytes, {});
  try {
    const extra = tensor("float32", [3], Float32Array.of(0.5, 1, 2));
    const { total } = await session.run({ raw, extra });
    expect([...total!.data]).toEqual([20.5, 61, 102]);
  } finally {
    await session.dispose();
  }
});

test("one part alone, and outputs of the model", async () => {
  const session = await createSession(joinModel(model, "m.onnx", { before, outputs: ["other", "mean"] }), {});
  try {
    const { other, mean } = await session.run({ raw });
    expect([...other!.data]).toEqual([1, 3, 5, 7, 9, 11]);
    expect([...mean!.data]).toEqual([20, 60, 100]);
  } finally {
    await session.dispose();
  }
  const { inputs } = readOnnx(joinModel(model, "m.onnx", { after, outputs: ["total"] }));
  expect(inputs.map(({ name }) => name)).toEqual(["x", "extra"]);
});

test("models that cannot be extended are errors that name them", () => {
  const join = (bytes: Uint8Array) => () => joinModel(bytes, "m.onnx", { before, outputs: ["mean"] });
  const changed = (change: (copy: ReturnType<typeof create<typeof ModelProtoSchema>>) => void) => {
    const copy = fromBinary(ModelProtoSchema, model);
    change(copy);
    return toBinary(ModelProtoSchema, copy);
  };
  const old = changed((copy) => {
    copy.opsetImport[0]!.version = 12n;
  });
  expect(join(old)).toThrow(FormatError);
  expect(join(old)).toThrow(/m\.onnx: its operator set is 12/);
  const taken = changed((copy) => {
    copy.graph!.node[0]!.output[0] = "raw";
  });
  expect(join(taken)).toThrow(/m\.onnx: it has a value named raw already/);
  expect(join(new TextEncoder().encode("no model at all"))).toThrow(FormatError);
});

test("parts keep to operators that mean the same in every operator set", () => {
  const varying = trace(({ graph }) => ({ x: reduceMean(graph.input("raw", [3, 2, 4]), [2]) }));
  expect(() => joinModel(model, "m.onnx", { before: varying, outputs: ["mean"] })).toThrow(SaccadeError);
});

test("constants of both parts do not meet", async () => {
  const matrix = (graph: Parameters<typeof values>[0], factor: number) => values(graph, [2, 2], [factor, 0, 0, factor]);
  const bytes = joinModel(model, "m.onnx", {
    before: trace(({ graph }) => ({ x: gemm(graph.input("raw", [3, 2]), matrix(graph, 2), undefined) })),
    after: trace(({ graph }) => ({ y: gemm(graph.input("other", [3, 2]), matrix(graph, 5), undefined) })),
    outputs: ["y"],
  });
  const session = await createSession(bytes, {});
  try {
    const { y } = await session.run({ raw });
    expect([...y!.data]).toEqual([0, 10, 20, 30, 40, 50]);
  } finally {
    await session.dispose();
  }
});
