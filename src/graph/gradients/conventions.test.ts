// Gradients that are a matter of convention (ties, kinks, borders, points exactly on a cell's centre) against PyTorch 2.13's autograd in float64.
import { describe, expect, test } from "vitest";
import { elementCount, type TensorData, tensor } from "../../tensor.ts";
import * as g from "../build.ts";
import { interpret } from "../interpreter/interpret.ts";
import { Graph, type Tensor } from "../tensor.ts";
import { differentiate } from "./differentiate.ts";
import { gridSampleByHat } from "./grid-sample.ts";

const f64 = (shape: readonly number[], numbers: readonly number[]) =>
  tensor("float64", shape, Float64Array.from(numbers));
/** sin(1.7 i + 0.3) */
const wave = (...shape: number[]) =>
  f64(
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(1.7 * i + 0.3)),
  );

/** Gradients of sum(upstream * y) with respect to every fed value. */
function gradientsOf(
  feeds: readonly TensorData[],
  upstream: TensorData,
  build: (...tensors: Tensor[]) => Tensor,
): number[][] {
  const graph = new Graph();
  const tensors = feeds.map((value, i) => graph.input(`x${i}`, value.shape));
  const product = g.mul(build(...tensors), graph.input("upstream", upstream.shape));
  const loss = g.reduceSum(
    product,
    upstream.shape.map((_, i) => i),
  );
  differentiate(loss, tensors).forEach((gradient, i) => {
    graph.output(`${i}`, gradient);
  });
  const inputs = { ...Object.fromEntries(feeds.map((value, i) => [`x${i}`, value])), upstream };
  const results = interpret(graph, { inputs, parameters: new Map(), precision: "float64" });
  return [...results.values()].map(({ data }) => Array.from(data as Float64Array));
}

function expectNumbers(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `element ${i}: ${x}, expected ${expected[i]}`).toBeLessThan(2e-9);
  });
}

const ones = (n: number) => f64([n], new Array<number>(n).fill(1));

describe("kinks", () => {
  test("relu, hardSwish, hardSigmoid", () => {
    const x = f64([3], [-3, 0, 3]);
    expectNumbers(gradientsOf([x], ones(3), g.relu)[0]!, [0, 0, 1]);
    expectNumbers(gradientsOf([x], ones(3), g.hardSwish)[0]!, [0, 0.5, 1]);
    expectNumbers(gradientsOf([x], ones(3), g.hardSigmoid)[0]!, [0, 0.166666672, 0]);
  });

  test("a clamp passes the gradient at its limit", () => {
    const clamp = (x: Tensor) => g.minimum(g.maximum(x, 1), 2);
    expectNumbers(gradientsOf([f64([4], [1, 2, 1.5, -1])], ones(4), clamp)[0]!, [1, 1, 1, 0]);
  });

  test("equal maxima share the gradient of reduceMax", () => {
    const x = f64([2, 3], [1, 2, 2, 0, 0, 0]);
    const third = 1 / 3;
    expectNumbers(gradientsOf([x], ones(2), (t) => g.reduceMax(t, 1))[0]!, [0, 0.5, 0.5, third, third, third]);
  });

  test("powers of zero", () => {
    const [base, exponent] = gradientsOf([f64([2], [0, 2]), f64([2], [2, 3])], ones(2), (x, e) => g.pow(x!, e!));
    expectNumbers(base!, [0, 12]);
    expectNumbers(exponent!, [0, 5.545177444]);
  });
});

test("clampGradient and stopGradient", () => {
  const upstream = f64([4], [-0.5, -0.01, 0.02, 3]);
  expectNumbers(gradientsOf([ones(4)], upstream, (x) => g.clampGradient(x, 0.1))[0]!, [-0.1, -0.01, 0.02, 0.1]);
  // x * stop(x): only the first factor counts.
  const x = f64([4], [1, 2, 3, 4]);
  expectNumbers(gradientsOf([x], ones(4), (t) => g.mul(t, g.stopGradient(t)))[0]!, [1, 2, 3, 4]);
});

test("maxPool: the first maximum of each window, overlapping windows add up", () => {
  const rows = [1, 1, 0, 2, 2, 1, 3, 3, 2, 2, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 5, 0, 5];
  const upstream = f64([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const pool = (x: Tensor) => g.maxPool(x, [3, 3], { strides: [2, 2], padding: [1, 1] });
  expectNumbers(
    gradientsOf([f64([1, 1, 5, 5], rows)], upstream, pool)[0]!,
    [
      0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 12.0, 0.0, 6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0, 0.0,
      8.0, 0.0, 9.0,
    ],
  );
});

describe("gridSample", () => {
  // In cells: on centres, between them, at the border, beyond it, half outside.
  const places = [
    [1, 1],
    [0, 0],
    [3, 2],
    [1.25, 1],
    [2, 0.5],
    [-0.5, 1],
    [3.5, 1.5],
    [-1.5, 0.5],
    [0, 1.75],
    [3, 2.75],
  ] as const;
  const across = (position: number, size: number) => (2 * position + 1) / size - 1;
  const grid = f64(
    [1, 2, 5, 2],
    places.flatMap(([x, y]) => [across(x, 4), across(y, 3)]),
  );
  const volumePlaces = [
    [1, 1, 0],
    [0.25, 1.5, 0.75],
    [3, 2, 1],
    [-0.5, 0.5, 1.25],
  ] as const;
  const volumeGrid = f64(
    [1, 1, 1, 4, 3],
    volumePlaces.flatMap(([x, y, z]) => [across(x, 4), across(y, 3), across(z, 2)]),
  );
  const expected = {
    zeros: {
      features: [
        0.909297427, 0.0, 0.36448452, 0.0, 0.535460472, -0.284053159, 0.171293398, -0.21992394, 0.729005626, 0.0, 0.0,
        -0.722821668, 0.14987721, 0.0, -0.429353501, 0.0, 0.186082262, -1.297941193, -0.528742422, 0.174810008,
        -0.370005746, 0.0, 0.0, 1.367500238,
      ],
      grid: [
        -1.476868508, 0.07755364, 0.708933244, 0.619155978, -1.747241215, -1.310430911, 2.020551729, 0.462153529,
        -2.284656884, -0.85316877, 1.71820149, -0.099712874, -1.524219048, -0.30093664, 0.0, 0.0, -0.03812906,
        0.683330617, -0.467236928, -1.401710784,
      ],
      volume: [
        0.0, 0.0, 0.0, 0.0, 0.085246634, 0.323935751, 0.0, 0.0, 0.085246634, 0.028415545, 0.0, 0.0, -0.144893341, 0.0,
        0.0, 0.0, 0.11084656, 0.085246634, 0.0, 0.0, 0.255739901, 0.085246634, 0.0, -0.529836141, 0.0, 0.0, 0.0, 0.0,
        0.054835987, 0.747247702, 0.0, 0.0, 0.054835987, 0.018278662, 0.0, 0.0, -0.06716799, 0.0, 0.0, 0.0, 0.09733997,
        0.054835987, 0.0, 0.0, 0.164507961, 0.054835987, 0.0, -0.87969576,
      ],
      volumeGrid: [
        1.287808796, 0.301660225, 0.605254212, -0.749846003, -0.137107065, -0.21187665, -0.70164931, -0.526236983,
        -0.350824655, -0.50575426, 0.064714152, 0.168584753,
      ],
    },
    border: {
      features: [
        0.730182786, 0.0, 0.36448452, 0.0, 0.648804427, -0.284053159, 0.171293398, -0.43984788, 0.729005626, 0.0, 0.0,
        -0.861930369, -0.24963353, 0.0, -0.429353501, 0.0, 0.095989034, -1.297941193, -0.528742422, 0.349620016,
        -0.370005746, 0.0, 0.0, 2.236922761,
      ],
      grid: [
        -1.476868508, 0.07755364, 0.0, 0.0, 0.0, 0.0, 2.020551729, 0.462153529, -2.284656884, -0.85316877, 0.0,
        -0.199425748, 0.0, -0.60187328, 0.0, 0.080999704, 0.0, 0.683330617, 0.0, 0.0,
      ],
      volume: [
        0.0, 0.0, 0.0, 0.0, 0.085246634, 0.323935751, 0.0, 0.0, 0.085246634, 0.028415545, 0.0, 0.0, -0.386382244, 0.0,
        0.0, 0.0, -0.130642342, 0.085246634, 0.0, 0.0, 0.255739901, 0.085246634, 0.0, -0.529836141, 0.0, 0.0, 0.0, 0.0,
        0.054835987, 0.747247702, 0.0, 0.0, 0.054835987, 0.018278662, 0.0, 0.0, -0.179114641, 0.0, 0.0, 0.0,
        -0.014606681, 0.054835987, 0.0, 0.0, 0.164507961, 0.054835987, 0.0, -0.87969576,
      ],
      volumeGrid: [
        1.287808796, 0.301660225, 0.0, -0.749846003, -0.137107065, -0.21187665, 0.0, 0.0, 0.0, 0.0, 0.172571071, 0.0,
      ],
    },
  };
  type Sampler = (features: Tensor, grid: Tensor, padding: "zeros" | "border") => Tensor;
  const samplers: Record<string, Sampler> = {
    kernel: (features, grid, padding) => g.gridSample(features, grid, { padding }),
    "by hat, joint": (features, grid, padding) => gridSampleByHat(features, grid, { padding, product: "joint" }),
    "by hat, separable": (features, grid, padding) =>
      gridSampleByHat(features, grid, { padding, product: "separable" }),
    "by hat, channels last": (features, grid, padding) => {
      const last = gridSampleByHat(features, grid, { padding, channelsLast: true });
      return g.transpose(last, [0, last.shape.length - 1, ...last.shape.slice(2).map((_, i) => i + 1)]);
    },
  };
  const cases = Object.keys(samplers).flatMap((name) => (["zeros", "border"] as const).map((p) => [name, p] as const));

  test.each(cases)("picture, %s, %s", (name, padding) => {
    const feeds = [wave(1, 2, 3, 4), grid];
    const build = (features?: Tensor, at?: Tensor) => samplers[name]!(features!, at!, padding);
    const [dFeatures, dGrid] = gradientsOf(feeds, wave(1, 2, 2, 5), build);
    expectNumbers(dFeatures!, expected[padding].features);
    expectNumbers(dGrid!, expected[padding].grid);
  });

  test.each(cases)("volume, %s, %s", (name, padding) => {
    const feeds = [wave(1, 2, 2, 3, 4), volumeGrid];
    const build = (features?: Tensor, at?: Tensor) => samplers[name]!(features!, at!, padding);
    const [dFeatures, dGrid] = gradientsOf(feeds, wave(1, 2, 1, 1, 4), build);
    expectNumbers(dFeatures!, expected[padding].volume);
    expectNumbers(dGrid!, expected[padding].volumeGrid);
  });
});
