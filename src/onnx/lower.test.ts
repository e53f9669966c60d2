import { fromBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { LimitError, SaccadeError, UsageError, WeightsMismatchError } from "../errors.ts";
import * as g from "../graph/build.ts";
import { trace } from "../graph/scope.ts";
import { Graph } from "../graph/tensor.ts";
import { numberToBfloat16, numberToHalf, type TensorData, tensor } from "../tensor.ts";
import { lower } from "./lower.ts";
import { ModelProtoSchema, type TypeProto_Tensor } from "./onnx-pb.ts";
import { readOnnx } from "./read.ts";

const f32 = (shape: readonly number[], values: readonly number[]) =>
  tensor("float32", shape, Float32Array.from(values));

/** x (batch, 3) -> logits (batch, 2), through one linear layer at "head". */
function linearModel(): { graph: Graph; parameters: Map<string, TensorData> } {
  const graph = trace((scope) => {
    const x = scope.graph.input("x", ["batch", 3]);
    const head = scope.at("head");
    return {
      logits: head.run(() =>
        g.gemm(x, head.parameter("weight", [2, 3], { kind: "zeros" }), head.parameter("bias", [2], { kind: "zeros" }), {
          transposeB: true,
        }),
      ),
    };
  });
  const parameters = new Map<string, TensorData>([
    ["head.weight", f32([2, 3], [1, 2, 3, 4, 5, 6])],
    ["head.bias", f32([2], [0.5, -0.5])],
  ]);
  return { graph, parameters };
}

async function runAll(bytes: Uint8Array, feeds: Record<string, ort.Tensor>): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(bytes);
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as ArrayLike<number | bigint>, Number)]),
  );
}

const row = new ort.Tensor("float32", Float32Array.of(1, 1, 1), [1, 3]);

describe("files", () => {
  test("say who wrote them, what they take and what they give", () => {
    const { graph, parameters } = linearModel();
    const summary = readOnnx(
      lower(graph, { parameters, metadata: { a: "1" }, graphName: "tiny", producerVersion: "1.2.3" }),
    );
    expect(summary).toEqual({
      irVersion: 9,
      opsets: { "": 20 },
      producer: "saccade 1.2.3",
      graphName: "tiny",
      inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3] }],
      outputs: [{ name: "logits", dtype: "float32", shape: ["batch", 2] }],
      initializers: [
        { name: "head.weight", dtype: "float32", shape: [2, 3], bytes: 24 },
        { name: "head.bias", dtype: "float32", shape: [2], bytes: 8 },
      ],
      nodeCount: 1,
      opCounts: { Gemm: 1 },
      metadata: { a: "1" },
    });
  });

  test("are the same bytes for the same graph", () => {
    const build = () => {
      const { graph, parameters } = linearModel();
      return lower(graph, { parameters });
    };
    expect(build()).toEqual(build());
  });

  test("import com.microsoft only when they use it", () => {
    const graph = trace((scope) => ({ y: g.quickGelu(scope.graph.input("x", [3])) }));
    expect(readOnnx(lower(graph)).opsets).toEqual({ "": 20 });
    expect(readOnnx(lower(graph, { target: "onnxruntime" }))).toMatchObject({
      opsets: { "": 20, "com.microsoft": 1 },
      opCounts: { "com.microsoft.QuickGelu": 1 },
    });
  });

  test("refuse operator sets that were never tried", () => {
    expect(() => lower(linearModel().graph, { opset: 16 })).toThrow(UsageError);
    expect(() => lower(linearModel().graph, { opset: 24 })).toThrow(UsageError);
  });
});

describe("parameters", () => {
  test("missing and misshapen ones are listed together", () => {
    const { graph } = linearModel();
    const attempt = () => lower(graph, { parameters: new Map([["head.weight", f32([3, 2], [1, 2, 3, 4, 5, 6])]]) });
    expect(attempt).toThrow(WeightsMismatchError);
    expect(attempt).toThrow(/missing \(1\): head\.bias[\s\S]*head\.weight is \[3, 2\] but must be \[2, 3\]/);
  });

  test("in half or double precision become what the graph declares", async () => {
    const { graph, parameters } = linearModel();
    const numbers = [1, 2, 3, 4, 5, 6];
    const forms: TensorData[] = [
      tensor("float16", [2, 3], Uint16Array.from(numbers, numberToHalf)),
      tensor("bfloat16", [2, 3], Uint16Array.from(numbers, numberToBfloat16)),
      tensor("float64", [2, 3], Float64Array.from(numbers)),
    ];
    for (const weight of forms) {
      const bytes = lower(graph, { parameters: new Map([...parameters, ["head.weight", weight]]) });
      expect(await runAll(bytes, { x: row })).toEqual({ logits: [6.5, 14.5] });
    }
  });

  test("of another kind are refused", () => {
    const { graph, parameters } = linearModel();
    const integers = tensor("int32", [2], Int32Array.of(1, 2));
    expect(() => lower(graph, { parameters: new Map([...parameters, ["head.bias", integers]]) })).toThrow(
      /head\.bias.*float32.*int32/,
    );
  });

  test("can be inputs, and then stay out of the file", async () => {
    const { graph, parameters } = linearModel();
    const bytes = lower(graph, { parametersAs: "inputs" });
    const summary = readOnnx(bytes);
    expect(summary.inputs.map(({ name }) => name)).toEqual(["x", "head.weight", "head.bias"]);
    expect(summary.initializers).toEqual([]);
    const feeds = [...parameters].map(([name, { data, shape }]) => [
      name,
      new ort.Tensor("float32", data as Float32Array, [...shape]),
    ]);
    expect(await runAll(bytes, { x: row, ...Object.fromEntries(feeds) })).toEqual({ logits: [6.5, 14.5] });
  });

  test("of more than 2 GB are refused before they are written", () => {
    const graph = new Graph();
    const shared = tensor("float32", [2 ** 24], new Float32Array(2 ** 24));
    const parameters = new Map<string, TensorData>();
    for (let i = 0; i < 33; i++) {
      const name = `weight${i}`;
      graph.output(`sum${i}`, g.reduceSum(graph.parameter(name, [2 ** 24], { kind: "zeros" }), 0));
      parameters.set(name, shared);
    }
    expect(() => lower(graph, { parameters })).toThrow(LimitError);
  });
});

describe("outputs", () => {
  test("that are inputs, weights or each other are passed through", async () => {
    const graph = trace((scope) => {
      const x = scope.graph.input("x", ["batch", 3]);
      const doubled = g.mul(x, 2);
      return {
        same: x,
        frozen: g.stopGradient(x),
        weight: scope.parameter("w", [1], { kind: "ones" }),
        doubled,
        again: g.clampGradient(doubled, 1),
        once: g.values(scope.graph, [1], [7]),
      };
    });
    const bytes = lower(graph, { parameters: new Map([["w", f32([1], [9])]]) });
    expect(readOnnx(bytes).opCounts).toEqual({ Identity: 5, Mul: 1 });
    expect(await runAll(bytes, { x: row })).toEqual({
      same: [1, 1, 1],
      frozen: [1, 1, 1],
      weight: [9],
      doubled: [2, 2, 2],
      again: [2, 2, 2],
      once: [7],
    });
  });

  test("can be chosen; only what they need is in the file", () => {
    const graph = trace((scope) => {
      const a = scope.graph.input("a", ["batch", 3]);
      const b = scope.graph.input("b", ["batch", 3]);
      return { a: g.exp(a), b: g.mul(b, scope.parameter("w", [3], { kind: "ones" })) };
    }) as Graph;
    expect(() => lower(graph)).toThrow(SaccadeError); // the output "a" has the input's name
    const renamed = trace((scope) => {
      const a = scope.graph.input("a", ["batch", 3]);
      const b = scope.graph.input("b", ["batch", 3]);
      return { y: g.exp(a), z: g.mul(b, scope.parameter("w", [3], { kind: "ones" })) };
    });
    const summary = readOnnx(lower(renamed, { outputs: ["y"] }));
    expect(summary.inputs.map(({ name }) => name)).toEqual(["a"]);
    expect(summary.initializers).toEqual([]);
    expect(() => lower(renamed, { outputs: ["logits"] })).toThrow(/no output "logits"/);
  });

  test("keep an input that only tells a size", async () => {
    const graph = trace((scope) => {
      scope.graph.input("x", ["batch", 3]);
      return { y: g.expand(g.values(scope.graph, [1, 2], [1, 2]), ["batch", 2]) };
    });
    const bytes = lower(graph, { outputs: ["y"] });
    expect(await runAll(bytes, { x: new ort.Tensor("float32", new Float32Array(6), [2, 3]) })).toEqual({
      y: [1, 2, 1, 2],
    });
  });
});

describe("sizes", () => {
  test("that no input tells are an error that says which", () => {
    const graph = trace((scope) => ({ y: g.expand(scope.graph.input("x", [1, 3]), ["batch", 3]) }));
    expect(() => lower(graph)).toThrow(/how large "batch" is/);
  });

  test("free sizes inside have the graph's names, so that engines see which are equal", () => {
    const graph = trace((scope) => {
      const x = scope.graph.input("x", ["batch", 2, "height", 6]);
      const weight = scope.parameter("weight", [2, 2, 3, 3], { kind: "ones" });
      const small = scope.at("down").run(() => g.conv(x, weight, undefined, { strides: [2, 2], padding: [1, 1] }));
      const pooled = g.reduceMean(g.relu(small), [2, 3]);
      return { y: g.add(small, g.tanh(small)), pooled: g.exp(pooled) };
    });
    const bytes = lower(graph, { parameters: new Map([["weight", f32([2, 2, 3, 3], new Array(36).fill(1))]]) });
    const inner = fromBinary(ModelProtoSchema, bytes).graph!.valueInfo.map(({ name, type }) => {
      const { shape } = type!.value.value as TypeProto_Tensor;
      return `${name.replace(/_\d+$/, "")}: ${shape!.dim.map(({ value }) => value.value).join(", ")}`;
    });
    const map = "batch, 2, floor((height - 1)/2) + 1, 3";
    expect(inner.sort()).toEqual([`down/conv: ${map}`, "reduceMean: batch, 2", `relu: ${map}`, `tanh: ${map}`]);
    expect(readOnnx(bytes).opCounts).toMatchObject({ GlobalAveragePool: 1, Flatten: 1 });
  });

  test("are computed once, and not at all where a Reshape can copy them", () => {
    const graph = trace((scope) => {
      const x = scope.graph.input("x", ["batch", "height", "width", 6]);
      const rows = g.exp(g.reshape(x, [-1, 6]));
      const back = g.exp(g.reshape(rows, ["batch", "height", "width", 6]));
      return {
        y: g.reshape(back, ["batch", "height", "width", 2, 3]),
        z: g.reshape(rows, ["batch", "height", "width", 3, 2]),
      };
    });
    // Only leaving the rows takes sizes: two are read, once, and the third is what is left.
    expect(readOnnx(lower(graph, { simplify: false })).opCounts).toEqual({ Concat: 2, Exp: 2, Reshape: 4, Shape: 2 });
  });

  test("are constants when all are fixed", () => {
    const graph = trace((scope) => {
      const x = scope.graph.input("x", [2, 3]);
      return {
        y: g.expand(g.reshape(x, [6, 1]), [6, 4]),
        z: g.add(g.sizeValue(scope.graph, 3), g.sizeValue(scope.graph, 3)),
      };
    });
    expect(readOnnx(lower(graph)).opCounts).toEqual({ Add: 1, Expand: 1, Reshape: 1 });
  });
});

describe("names", () => {
  test("say which op, where", async () => {
    const graph = trace((scope) => {
      const x = scope.graph.input("x", ["batch", 3]);
      const y = scope.at("layers", 0, "mlp").run(() => g.silu(g.exp(x)));
      return { y: g.neg(y) };
    });
    const text = new TextDecoder("latin1").decode(lower(graph));
    expect(text).toContain("layers.0.mlp/exp_1");
    expect(text).toContain("layers.0.mlp/silu_2/Sigmoid");
  });

  test("that clash are refused", () => {
    const graph = trace((scope) => ({
      y: g.mul(scope.graph.input("w", [3]), scope.parameter("w", [3], { kind: "ones" })),
    }));
    expect(() => lower(graph, { parametersAs: "inputs" })).toThrow(/"w"/);
  });

  test("of an output that looks like a generated one do not collide", async () => {
    const graph = trace((scope) => {
      const y = g.exp(scope.graph.input("x", [1, 3]));
      return { z: g.log(y), exp_1: g.neg(y) };
    });
    expect(Object.keys(await runAll(lower(graph), { x: row })).sort()).toEqual(["exp_1", "z"]);
  });
});

test("equal constants are stored once", () => {
  const graph = trace((scope) => {
    const x = scope.graph.input("x", ["batch", 40]);
    const table = () =>
      g.values(
        scope.graph,
        [40],
        Float32Array.from({ length: 40 }, (_, i) => i),
      );
    return { y: g.mul(g.add(x, table()), table()) };
  });
  expect(readOnnx(lower(graph)).initializers).toHaveLength(1);
});

test("scatterAdd adds duplicates up, whatever the threads do", async () => {
  const graph = trace((scope) => ({
    y: g.scatterAdd(
      scope.graph.input("base", [64]),
      scope.graph.input("at", [20_000], "int64"),
      scope.graph.input("updates", [20_000]),
      0,
    ),
  }));
  const session = await ort.InferenceSession.create(lower(graph), { intraOpNumThreads: 2 });
  const feeds = {
    base: new ort.Tensor("float32", new Float32Array(64), [64]),
    at: new ort.Tensor(
      "int64",
      BigInt64Array.from({ length: 20_000 }, (_, i) => BigInt(i % 64)),
      [20_000],
    ),
    updates: new ort.Tensor("float32", new Float32Array(20_000).fill(1), [20_000]),
  };
  for (let i = 0; i < 10; i++) {
    const sums = (await session.run(feeds)).y!.data as Float32Array;
    expect(sums.reduce((a, b) => a + b, 0)).toBe(20_000);
  }
  await session.release();
});
