import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import * as g from "../graph/build.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { type Scope, trace } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { RandomSource } from "../random.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { lower } from "./lower.ts";
import { inBytes } from "./quantize-convolutions.ts";
import { readOnnx } from "./read.ts";

const random = new RandomSource(11, "quantize-convolutions");
const floats = (...shape: number[]) =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(-0.1, 0.1)),
  );
const parameters = new Map<string, TensorData>([
  ["weight", floats(6, 4, 3, 3)],
  ["bias", floats(6)],
]);
const [ROWS, COLUMNS] = [41, 43];
/** Neighbours are alike, as in pictures. */
const x = tensor(
  "uint8",
  [2, 4, ROWS, COLUMNS],
  Uint8Array.from({ length: 8 * ROWS * COLUMNS }, (_, i) => {
    const [column, row] = [i % COLUMNS, Math.floor(i / COLUMNS)];
    return 128 + 90 * Math.sin(row / 5) * Math.sin(column / 4) + random.between(-20, 20);
  }),
);
const LEVEL = [120, 3.5, 0, 250.25];

/** relu(conv(bytes - level)), before what else is made of it. */
function convolved(scope: Scope, options: Parameters<typeof g.conv>[3] = {}): Tensor {
  const bytes = scope.graph.input("x", ["batch", 4, ROWS, COLUMNS], "uint8");
  const centred = g.sub(g.cast(bytes, "float32"), g.values(scope.graph, [4, 1, 1], LEVEL));
  const weight = scope.parameter("weight", [6, 4, 3, 3], { kind: "zeros" });
  return g.conv(centred, weight, scope.parameter("bias", [6], { kind: "zeros" }), options);
}

const pooled = (y: Tensor) =>
  g.transpose(g.maxPool(g.relu(y), [3, 3], { strides: [2, 2], padding: [1, 1] }), [0, 2, 3, 1]);

async function run(bytes: Uint8Array, level: "all" | "disabled" = "all"): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
  const { y } = await session.run({ x: new ort.Tensor("uint8", x.data as Uint8Array, [...x.shape]) });
  await session.release();
  return y!.data as Float32Array;
}

describe("a convolution of bytes", () => {
  test("fills the bytes of each channel, whatever the picture", () => {
    const [weight, bias] = [parameters.get("weight")!, toFloat64(parameters.get("bias")!)];
    const { weight: whole, bias: sums, steps, scales } = inBytes(weight, bias, LEVEL);
    for (let o = 0; o < 6; o++) {
      const values = [...whole.data.subarray(36 * o, 36 * (o + 1))];
      const most = values.reduce((sum, value) => sum + Math.max(0, value) * 255, sums.data[o]!);
      expect(most * steps.data[o]!).toBeCloseTo(255, 3);
      expect(scales.data[o]).toBeGreaterThan(0);
    }
  });

  test("and its pooling are computed in bytes, to nearly the same numbers", async () => {
    const graph = trace((scope) => ({ y: g.exp(g.mul(pooled(convolved(scope, { strides: [1, 2] })), 0.01)) }));
    const file = lower(graph, { parameters, precision: "int8" });
    const { opCounts, initializers } = readOnnx(file);
    expect(opCounts).toMatchObject({ QLinearConv: 2, MaxPool: 1, Cast: 2 });
    expect(opCounts.Conv ?? 0).toBe(0);
    expect(initializers.map(({ name }) => name)).not.toContain("weight");
    const exact = toFloat64(interpret(graph, { inputs: { x }, parameters }).get("y")!);
    for (const level of ["all", "disabled"] as const) {
      const answer = await run(file, level);
      const off = exact.map((value, i) => Math.abs(Math.log(value) - Math.log(answer[i]!)) / 0.01);
      const largest = Math.max(...[...exact].map((value) => Math.log(value) / 0.01));
      expect(Math.max(...off) / largest).toBeLessThan(0.03);
      expect(Math.max(...off)).toBeGreaterThan(0);
    }
  });

  test("is floats where floats are asked for: as an output, and beside its bytes", async () => {
    const graph = trace((scope) => {
      const y = g.relu(convolved(scope));
      return { y: g.transpose(y, [0, 2, 3, 1]), square: g.mul(y, y) };
    });
    const file = lower(graph, { parameters, precision: "int8" });
    expect(readOnnx(file).opCounts).toMatchObject({ QLinearConv: 2, Cast: 3 });
    const exact = toFloat64(interpret(graph, { inputs: { x }, parameters }).get("y")!);
    const answer = await run(file);
    const largest = Math.max(...exact);
    expect(Math.max(...exact.map((value, i) => Math.abs(value - answer[i]!))) / largest).toBeLessThan(0.03);
  });

  test("stays floats with padding, which would be of bytes, without ReLU, where its sums are read, and for WebGPU", () => {
    const counts = (build: (scope: Scope) => Tensor, target: "portable" | "webgpu" = "portable") =>
      readOnnx(
        lower(
          trace((scope) => ({ y: build(scope) })),
          { parameters, precision: "int8", target },
        ),
      ).opCounts;
    const stays = { Conv: 1 };
    expect(counts((scope) => pooled(convolved(scope, { padding: [1, 1] })))).toMatchObject(stays);
    expect(counts((scope) => g.exp(convolved(scope)))).toMatchObject(stays);
    expect(
      counts((scope) => {
        const y = convolved(scope);
        return g.add(g.relu(y), y);
      }),
    ).toMatchObject(stays);
    expect(counts((scope) => pooled(convolved(scope)), "webgpu")).toMatchObject(stays);
  });
});
