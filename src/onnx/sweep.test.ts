// Every op, in every lowering, on ONNX Runtime's native engine, against the interpreter.
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { expectClose } from "../../test/compare.ts";
import { type OpCase, opCases, readyCase } from "../../test/op-cases.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import type { DType, TensorData } from "../tensor.ts";
import { type LowerOptions, lower } from "./lower.ts";
import { readOnnx } from "./read.ts";

const VARIANTS: readonly [LowerOptions, ort.InferenceSession.SessionOptions["graphOptimizationLevel"]][] = [
  [{ target: "portable" }, "disabled"],
  [{ target: "portable" }, "all"],
  [{ target: "onnxruntime" }, "disabled"],
  [{ target: "onnxruntime" }, "all"],
  [{ target: "webgpu" }, "disabled"],
  [{ target: "webgpu" }, "all"],
  [{ opset: 17 }, "disabled"],
  [{ opset: 18 }, "disabled"],
  [{ opset: 23 }, "disabled"],
];

async function run(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, TensorData>>,
  graphOptimizationLevel: (typeof VARIANTS)[number][1],
): Promise<TensorData> {
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: graphOptimizationLevel ?? "all",
    intraOpNumThreads: 1,
  });
  try {
    const y = (await session.run(toEngine(feeds))).y!;
    return fromEngine(y);
  } finally {
    await session.release();
  }
}

function toEngine(feeds: Readonly<Record<string, TensorData>>): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype as ort.Tensor.Type, data as ort.Tensor.DataType, [...shape]),
    ]),
  );
}

function fromEngine({ type, dims, data }: ort.Tensor): TensorData {
  return { dtype: type as DType, shape: dims, data: data as TensorData["data"] };
}

function half(opCase: OpCase): boolean {
  return Object.values(opCase.inputs).some(({ dtype }) => dtype === "float16") || /float16/.test(opCase.title);
}

describe.each(Object.entries(opCases))("%s", (op, list) => {
  test.each(list.map((opCase): [string, OpCase] => [opCase.title, opCase]))("%s", async (_, opCase) => {
    const { graph, inputs, parameters, shape } = readyCase(opCase);
    const expected = interpret(graph, { inputs, parameters }).get("y")!;
    expect(expected.shape).toEqual(shape);
    const gathers: typeof VARIANTS = [
      [{ gridSample: "gather" }, "disabled"],
      [{ gridSample: "gather" }, "all"],
    ];
    for (const [options, level] of op === "gridSample" ? [...VARIANTS, ...gathers] : VARIANTS) {
      const bytes = lower(graph, { parameters, ...options });
      expectClose(await run(bytes, inputs, level), expected, half(opCase) ? 4e-3 : 1e-5);
      // The file promises what the graph inferred.
      expect(readOnnx(bytes).outputs).toEqual([
        { name: "y", dtype: expected.dtype, shape: graph.outputs.get("y")!.shape },
      ]);
    }
  });
});
