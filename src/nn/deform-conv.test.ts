// Deformable convolution against its definition, written as loops, and against the plain one; its gradients against differences; engines.
import { describe, expect, test } from "vitest";
import { maxDifference } from "../../test/golden-case.ts";
import * as g from "../graph/build.ts";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import { type LowerOptions, lower } from "../onnx/lower.ts";
import { nodeHost } from "../platform/node/host.ts";
import { RandomSource } from "../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { type DeformConvOptions, deformConv2d } from "./deform-conv.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly weight: readonly [number, number, number, number];
  /** Groups of channels that move together. */
  readonly shared: number;
  readonly masked: boolean;
  readonly options: Omit<DeformConvOptions, "mask"> & { strides: number[]; padding: number[]; dilations: number[] };
}

const CASES: Record<string, Case> = {
  "3 x 3": {
    x: [2, 4, 6, 5],
    weight: [3, 4, 3, 3],
    shared: 1,
    masked: false,
    options: { strides: [1, 1], padding: [1, 1], dilations: [1, 1] },
  },
  "strides, no padding": {
    x: [1, 2, 9, 8],
    weight: [2, 2, 3, 3],
    shared: 1,
    masked: false,
    options: { strides: [2, 2], padding: [0, 0], dilations: [1, 1] },
  },
  "v2 with groups of both kinds, one to two, dilated": {
    x: [2, 8, 7, 6],
    weight: [6, 4, 3, 2],
    shared: 4,
    masked: true,
    options: { strides: [1, 2], padding: [2, 1], dilations: [2, 1], groups: 2 },
  },
};

const outputSize = ({ x, weight, options }: Case, axis: 0 | 1) =>
  Math.floor(
    (x[axis + 2]! + 2 * options.padding[axis]! - options.dilations[axis]! * (weight[axis + 2]! - 1) - 1) /
      options.strides[axis]!,
  ) + 1;

function feedsOf(wanted: Case): Record<string, TensorData> {
  const random = new RandomSource(3, "deform");
  const draw = (spread: number, ...shape: number[]) =>
    tensor(
      "float32",
      shape,
      Float32Array.from({ length: elementCount(shape) }, () => random.between(-spread, spread)),
    );
  const { x, weight, shared, masked } = wanted;
  const [h, w] = [outputSize(wanted, 0), outputSize(wanted, 1)];
  const taps = weight[2] * weight[3];
  return {
    x: draw(1, ...x),
    offsets: draw(2.5, x[0], 2 * shared * taps, h, w),
    weight: draw(1, ...weight),
    bias: draw(1, weight[0]),
    ...(masked ? { mask: draw(1, x[0], shared * taps, h, w) } : {}),
  };
}

function deformed(wanted: Case, { x, offsets, weight, bias, mask }: Record<string, Tensor>): Tensor {
  const options = { ...wanted.options, ...(mask === undefined ? {} : { mask }) };
  return deformConv2d(x!, offsets!, weight!, bias, options);
}

function graphOf(wanted: Case, feeds: Record<string, TensorData>): { graph: Graph; inputs: Record<string, Tensor> } {
  const graph = new Graph();
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, graph.input(name, shape)]));
  graph.output("y", deformed(wanted, inputs));
  return { graph, inputs };
}

/** The definition: for each output a sum over channels and taps, each tap read between four cells. */
function byLoops(wanted: Case, feeds: Record<string, TensorData>): TensorData {
  const { x, weight, shared, options } = wanted;
  const [n, channels, height, width] = x;
  const [out, perGroup, kernelHeight, kernelWidth] = weight;
  const [h, w] = [outputSize(wanted, 0), outputSize(wanted, 1)];
  const taps = kernelHeight * kernelWidth;
  const at = (name: string) => toFloat64(feeds[name]!);
  const [map, moves, factors, bias] = [at("x"), at("offsets"), at("weight"), at("bias")];
  const mask = feeds.mask === undefined ? undefined : at("mask");
  const cell = (b: number, c: number, i: number, j: number) =>
    i < 0 || j < 0 || i >= height || j >= width ? 0 : map[((b * channels + c) * height + i) * width + j]!;
  const between = (b: number, c: number, i: number, j: number) => {
    const [top, left] = [Math.floor(i), Math.floor(j)];
    const [down, right] = [i - top, j - left];
    return (
      (1 - down) * ((1 - right) * cell(b, c, top, left) + right * cell(b, c, top, left + 1)) +
      down * ((1 - right) * cell(b, c, top + 1, left) + right * cell(b, c, top + 1, left + 1))
    );
  };
  const y = new Float64Array(n * out * h * w);
  for (let b = 0; b < n; b++)
    for (let o = 0; o < out; o++)
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++) {
          let sum = bias[o]!;
          for (let c = 0; c < perGroup; c++)
            for (let tap = 0; tap < taps; tap++) {
              const channel = Math.floor(o / (out / (options.groups ?? 1))) * perGroup + c;
              const moving = Math.floor(channel / (channels / shared)) * taps + tap;
              const move = (axis: number) => moves[((b * 2 * shared * taps + 2 * moving + axis) * h + i) * w + j]!;
              const row =
                i * options.strides[0]! - options.padding[0]! + Math.floor(tap / kernelWidth) * options.dilations[0]!;
              const column =
                j * options.strides[1]! - options.padding[1]! + (tap % kernelWidth) * options.dilations[1]!;
              const share = mask?.[((b * shared * taps + moving) * h + i) * w + j] ?? 1;
              sum +=
                share *
                factors[(o * perGroup + c) * taps + tap]! *
                between(b, channel, row + move(0), column + move(1));
            }
          y[((b * out + o) * h + i) * w + j] = sum;
        }
  return tensor("float64", [n, out, h, w], y);
}

describe.each(Object.entries(CASES))("%s", (_, wanted) => {
  const feeds = feedsOf(wanted);
  const { graph, inputs } = graphOf(wanted, feeds);

  test("is what it is defined as", () => {
    const y = interpret(graph, { inputs: feeds, parameters: new Map() }).get("y")!;
    expect(maxDifference(y, byLoops(wanted, feeds))).toBeLessThan(4e-6);
  });

  test("without moves it is the plain convolution", () => {
    const plain = new Graph();
    const [x, weight, bias] = ["x", "weight", "bias"].map((name) => plain.input(name, feeds[name]!.shape));
    plain.output("y", g.conv(x!, weight!, bias, wanted.options));
    const still: Record<string, TensorData> = { ...feeds };
    const filled = (name: string, value: number) => {
      const { shape } = feeds[name]!;
      return tensor("float32", shape, new Float32Array(elementCount(shape)).fill(value));
    };
    still.offsets = filled("offsets", 0);
    if (wanted.masked) still.mask = filled("mask", 1);
    const parameters = new Map();
    const { x: xs, weight: weights, bias: biases } = feeds;
    const expected = interpret(plain, { inputs: { x: xs!, weight: weights!, bias: biases! }, parameters }).get("y")!;
    expect(maxDifference(interpret(graph, { inputs: still, parameters }).get("y")!, expected)).toBeLessThan(4e-6);
  });

  test("gradients towards everything", () => {
    const y = graph.outputs.get("y")!;
    const random = new RandomSource(5, "upstream");
    const draw = (shape: readonly number[]) =>
      Float64Array.from({ length: elementCount(shape) }, () => random.normal());
    const shape = y.shape as number[];
    const upstream = graph.input("upstream", shape);
    const names = Object.keys(inputs);
    const gradients = differentiate(
      g.reduceSum(g.mul(y, upstream), [0, 1, 2, 3]),
      names.map((name) => inputs[name]!),
    );
    names.forEach((name, i) => {
      graph.output(`gradient.${name}`, gradients[i]!);
    });
    const weights = draw(shape);
    const run = (changed: Record<string, TensorData>) =>
      interpret(graph, {
        inputs: { ...feeds, ...changed, upstream: tensor("float64", shape, weights) },
        parameters: new Map(),
        precision: "float64",
      });
    const found = run({});
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
    for (const name of names) {
      const value = feeds[name]!;
      const direction = draw(value.shape);
      const loss = (step: number) => {
        const data = toFloat64(value).map((v, k) => v + step * direction[k]!);
        return dot(toFloat64(run({ [name]: tensor("float64", value.shape, data) }).get("y")!), weights);
      };
      const slope = (loss(1e-7) - loss(-1e-7)) / 2e-7;
      const predicted = dot(toFloat64(found.get(`gradient.${name}`)!), direction);
      expect(Math.abs(predicted - slope) / Math.max(1, Math.abs(slope)), name).toBeLessThan(1e-5);
    }
  });
});

describe("engines", () => {
  // One graph of all cases, and one more whose sizes are free.
  const graph = new Graph();
  const feeds: Record<string, TensorData> = {};
  const expected = new Map<string, TensorData>();
  Object.values(CASES).forEach((wanted, i) => {
    const own = feedsOf(wanted);
    const named = (name: string) => `${name}${i}`;
    for (const [name, value] of Object.entries(own)) feeds[named(name)] = value;
    const inputs = Object.entries(own).map(([name, { shape }]) => [name, graph.input(named(name), shape)] as const);
    graph.output(named("y"), deformed(wanted, Object.fromEntries(inputs)));
    expected.set(named("y"), byLoops(wanted, own));
  });
  const wanted = CASES["3 x 3"]!;
  const own = feedsOf(wanted);
  const free = {
    x: graph.input("x", ["batch", 4, "height", "width"]),
    offsets: graph.input("offsets", ["batch", 18, "height", "width"]),
    weight: graph.input("weight0", wanted.weight),
    bias: graph.input("bias0", [wanted.weight[0]]),
  };
  graph.output("y", deformed(wanted, free));
  Object.assign(feeds, { x: own.x, offsets: own.offsets });
  expected.set("y", expected.get("y0")!);

  const engines: ["cpu" | "wasm", LowerOptions][] = [
    ["cpu", { target: "onnxruntime" }],
    ["cpu", { target: "webgpu" }],
    ["wasm", { target: "portable" }],
  ];
  test.each(engines)("%s, %o", async (device, options) => {
    await using session = await nodeHost.createSession(lower(graph, options), { device });
    const outputs = await session.run(feeds);
    for (const [name, value] of expected) expect(maxDifference(outputs[name], value), name).toBeLessThan(1e-4);
  });
});
