// Every op on ONNX Runtime's WASM engine, against the interpreter: what browsers, and Node without a native engine, run.
import * as ort from "onnxruntime-web";
import { beforeAll, describe, test } from "vitest";
import { expectClose } from "../../test/compare.ts";
import { type OpCase, opCases, readyCase } from "../../test/op-cases.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import type { DType, TensorData } from "../tensor.ts";
import { type LowerOptions, lower } from "./lower.ts";

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

async function run(bytes: Uint8Array, feeds: Readonly<Record<string, TensorData>>): Promise<TensorData> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  try {
    const given = Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype as ort.Tensor.Type, data as ort.Tensor.DataType, [...shape]),
    ]);
    const { type, dims, data } = (await session.run(Object.fromEntries(given))).y!;
    return { dtype: type as DType, shape: dims, data: data as TensorData["data"] };
  } finally {
    await session.release();
  }
}

describe.each(Object.entries(opCases))("%s", (op, list) => {
  test.each(list.map((opCase): [string, OpCase] => [opCase.title, opCase]))("%s", async (title, opCase) => {
    const { graph, inputs, parameters } = readyCase(opCase);
    const expected = interpret(graph, { inputs, parameters }).get("y")!;
    const variants: LowerOptions[] = [{ target: "portable" }, { target: "onnxruntime" }];
    if (op === "gridSample") variants.push({ gridSample: "gather" });
    for (const options of variants)
      expectClose(
        await run(lower(graph, { parameters, ...options }), inputs),
        expected,
        title.includes("float16") ? 4e-3 : 1e-5,
      );
  });
});
