import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { WeightsMismatchError } from "../errors.ts";
import * as g from "../graph/build.ts";
import { type Scope, trace } from "../graph/scope.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { RandomSource } from "../random.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { lower } from "./lower.ts";
import { quantizeLinears, quantizeWeight } from "./quantize.ts";
import { readOnnx } from "./read.ts";

const f32 = (shape: readonly number[], values: readonly number[]) =>
  tensor("float32", shape, Float32Array.from(values));

function randomWeights(graph: Graph): Map<string, TensorData> {
  return new Map(
    [...graph.parameters].map(([name, { shape }]) => {
      const random = new RandomSource(7, name);
      const count = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        tensor(
          "float32",
          shape,
          Float32Array.from({ length: count }, () => random.between(-0.1, 0.1)),
        ),
      ];
    }),
  );
}

describe("a weight", () => {
  test("in whole numbers of seven bits, each output channel with its own scale", () => {
    const { values, scales } = quantizeWeight(f32([2, 3], [0.5, -1, 0.26, 64, 0, 32]), true); // (out, in)
    expect([...scales.data]).toEqual([1 / 64, 1]);
    expect(values.shape).toEqual([3, 2]);
    expect([...values.data]).toEqual([32, 64, -64, 0, 17, 32]);
  });

  test("is the same whichever way it lies", () => {
    const upright = quantizeWeight(f32([3, 2], [0.5, 64, -1, 0, 0.26, 32]), false); // (in, out)
    expect(upright).toEqual(quantizeWeight(f32([2, 3], [0.5, -1, 0.26, 64, 0, 32]), true));
  });

  test("is off by half a step at most, and zero stays zero", () => {
    const random = new RandomSource(1, "weight");
    const weight = f32(
      [40, 3],
      Array.from({ length: 120 }, (_, i) => (i % 3 === 2 ? 0 : random.normal() * 10 ** ((i % 3) * 4))),
    );
    const { values, scales } = quantizeWeight(weight, false);
    toFloat64(weight).forEach((exact, i) => {
      const scale = scales.data[i % 3]!;
      expect(Math.abs(values.data[i]! * scale - exact)).toBeLessThanOrEqual(scale / 2 + 1e-12);
    });
    expect([...values.data].filter((_, i) => i % 3 === 2).every((value) => value === 0)).toBe(true);
  });
});

/** A wide layer from tokens (batch, 128) to as many, at `scope`. */
function linear(scope: Scope, x: Tensor, width = 128): Tensor {
  const weight = scope.parameter("weight", [width, Number(x.shape[1])], { kind: "zeros" });
  return g.gemm(x, weight, scope.parameter("bias", [width], { kind: "zeros" }), { transposeB: true });
}

describe("what is quantised", () => {
  /** Names of the weights that are. */
  function quantized(build: (scope: Scope, x: Tensor) => Readonly<Record<string, Tensor>>): string[] {
    const graph = trace((scope) => build(scope, scope.graph.input("x", ["batch", 128])));
    const chosen = quantizeLinears(graph.needed(), graph.outputs.values(), randomWeights(graph));
    return [...chosen.keys()].map((node) => node.inputs[1]!.path || String(node.inputs[1]!.op));
  }

  test("wide layers of activations, but not what an output is made by", () => {
    const names = quantized((scope, x) => {
      const hidden = scope.at("fc").run(() => linear(scope.at("fc"), x));
      const logits = scope.at("head").run(() => linear(scope.at("head"), g.relu(hidden)));
      return { logits: g.reshape(logits, ["batch", 2, 64]) };
    });
    expect(names).toEqual(["fc"]);
  });

  test("not narrow layers, nor products of two activations, nor what depends on weights alone", () => {
    const names = quantized((scope, x) => {
      const narrow = scope.at("narrow").run(() => linear(scope.at("narrow"), x, 95));
      const gram = g.gemm(x, x, undefined, { transposeA: true });
      const prompt = scope.at("prompt").run(() => {
        const tokens = scope.at("prompt").parameter("tokens", [5, 128], { kind: "zeros" });
        return linear(scope.at("prompt"), tokens);
      });
      return { narrow: g.exp(narrow), gram: g.exp(gram), prompt: g.exp(prompt) };
    });
    expect(names).toEqual([]);
  });

  test("weights that are computed from weights", () => {
    const names = quantized((scope, x) => {
      const all = scope.at("qkv").run(() => scope.at("qkv").parameter("weight", [384, 128], { kind: "zeros" }));
      const third = (i: number) =>
        g.gemm(x, g.mul(g.slice(all, 0, 128 * i, 128 * (i + 1)), 0.5), undefined, { transposeB: true });
      return { y: g.exp(g.add(third(0), third(1))) };
    });
    expect(names).toHaveLength(2);
  });
});

describe("a file in eight bits", () => {
  const graph = trace((scope) => {
    const x = scope.graph.input("x", ["batch", 128]);
    const [a, b] = [linear(scope.at("a"), x), linear(scope.at("b"), x, 256)];
    return { y: linear(scope.at("head"), g.add(a, linear(scope.at("c"), g.gelu(b)))) };
  });
  const parameters = randomWeights(graph);
  const random = new RandomSource(3, "x");
  const x = f32(
    [7, 128],
    Array.from({ length: 7 * 128 }, () => random.normal()),
  );

  async function run(bytes: Uint8Array, level: "all" | "disabled" = "all"): Promise<Float32Array> {
    const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
    const { y } = await session.run({ x: new ort.Tensor("float32", x.data as Float32Array, [7, 128]) });
    await session.release();
    return y!.data as Float32Array;
  }

  test("has standard operators, activations quantised once for all that read them, and no float weights of its layers", () => {
    const { opCounts, opsets, initializers } = readOnnx(lower(graph, { parameters, precision: "int8" }));
    expect(Object.keys(opsets)).toEqual([""]);
    expect(opCounts).toMatchObject({ DynamicQuantizeLinear: 2, MatMulInteger: 3, Gemm: 1 });
    const floats = initializers.filter(({ name }) => name.endsWith("weight")).map(({ name }) => name);
    expect(floats).toEqual(["head.weight"]);
  });

  test("gives nearly the same numbers, and the same ones every time", async () => {
    const exact = await run(lower(graph, { parameters }));
    const bytes = lower(graph, { parameters, precision: "int8" });
    expect(bytes).toEqual(lower(graph, { parameters, precision: "int8" }));
    const answer = await run(bytes);
    expect(await run(bytes)).toEqual(answer);
    const scale = Math.max(...exact.map(Math.abs));
    const difference = Math.max(...exact.map((value, i) => Math.abs(value - answer[i]!)));
    expect(difference / scale).toBeLessThan(0.02);
    expect(difference / scale).toBeGreaterThan(1e-5); // it is not the float model under another name
  });

  test("means the same with and without the engine's fused kernels", async () => {
    const bytes = lower(graph, { parameters, precision: "int8" });
    const [fused, plain] = [await run(bytes), await run(bytes, "disabled")];
    expect(Math.max(...fused.map((value, i) => Math.abs(value - plain[i]!)))).toBeLessThan(1e-4);
  });

  test("needs the weights", () => {
    expect(() => lower(graph, { precision: "int8" })).toThrow(WeightsMismatchError);
  });
});
