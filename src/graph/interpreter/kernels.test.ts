// Values computed by hand, or by PyTorch 2.13 in float64 (numbers with nine decimals). Inputs called wave are sin(1.7 i + 0.3).
import { describe, expect, test } from "vitest";
import { elementCount, type TensorData, tensor } from "../../tensor.ts";
import * as g from "../build.ts";
import type { UnaryOps } from "../ops.ts";
import { Graph, type Tensor, widen } from "../tensor.ts";
import { interpret } from "./interpret.ts";

const f64 = (shape: readonly number[], numbers: readonly number[]) =>
  tensor("float64", shape, Float64Array.from(numbers));
const i64 = (shape: readonly number[], numbers: readonly number[]) =>
  tensor("int64", shape, BigInt64Array.from(numbers, BigInt));
const bools = (shape: readonly number[], numbers: readonly number[]) => tensor("bool", shape, Uint8Array.from(numbers));
const wave = (...shape: number[]) =>
  f64(
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(1.7 * i + 0.3)),
  );

/** Feeds values, computes one tensor of them in float64. */
function run(feeds: readonly TensorData[], build: (...tensors: Tensor[]) => Tensor): TensorData {
  const graph = new Graph();
  const tensors = feeds.map((value, i) => {
    if (value.dtype === "float64") return graph.input(`x${i}`, value.shape);
    return graph.input(`x${i}`, value.shape, value.dtype as Tensor["dtype"]);
  });
  graph.output("result", build(...tensors));
  const inputs = Object.fromEntries(feeds.map((value, i) => [`x${i}`, value]));
  return interpret(graph, { inputs, parameters: new Map(), precision: "float64" }).get("result")!;
}

function expectNumbers(actual: TensorData, expected: readonly number[], tolerance = 2e-9): void {
  const numbers = Array.from(actual.data as ArrayLike<number | bigint>, Number);
  expect(numbers.length).toBe(expected.length);
  numbers.forEach((x, i) => {
    if (Number.isNaN(x) || Math.abs(x - expected[i]!) > tolerance)
      expect.fail(`element ${i}: ${x}, expected ${expected[i]} (all: ${numbers.join(", ")})`);
  });
}

describe("element by element", () => {
  const x = f64([5], [-2.5, -0.7, 0, 0.3, 1.9]);
  const expected: { readonly [O in Exclude<keyof UnaryOps, "cast" | "clampGradient" | "not">]: readonly number[] } = {
    neg: [2.5, 0.7, 0, -0.3, -1.9],
    abs: [2.5, 0.7, 0, 0.3, 1.9],
    exp: [0.082084999, 0.496585304, 1, 1.349858808, 6.685894442],
    log: [0, 0, 0, 0, 0],
    sqrt: [0, 0, 0, 0, 0],
    sin: [-0.598472144, -0.644217687, 0, 0.295520207, 0.946300088],
    cos: [-0.801143616, 0.764842187, 1, 0.955336489, -0.323289567],
    tanh: [-0.986614298, -0.604367777, 0, 0.291312612, 0.956237458],
    sigmoid: [0.07585818, 0.331812228, 0.5, 0.574442517, 0.869891526],
    erf: [-0.999593048, -0.677801194, 0, 0.328626759, 0.992790429],
    normalCdf: [0.006209665, 0.241963652, 0.5, 0.617911422, 0.97128344],
    relu: [0, 0, 0, 0.3, 1.9],
    relu6: [0, 0, 0, 0.3, 1.9],
    sign: [-1, -1, 0, 1, 1],
    floor: [-3, -1, 0, 0, 1],
    gelu: [-0.015524163, -0.169374557, 0, 0.185373427, 1.845438536],
    quickGelu: [-0.034986165, -0.163106048, 0, 0.187484135, 1.82796455],
    silu: [-0.18964545, -0.232268559, 0, 0.172332755, 1.652793899],
    hardSigmoid: [0.083333333, 0.383333333, 0.5, 0.55, 0.816666667],
    hardSwish: [-0.208333333, -0.268333333, 0, 0.165, 1.551666667],
    stopGradient: [-2.5, -0.7, 0, 0.3, 1.9],
  };
  const positive: Partial<Record<string, readonly number[]>> = {
    log: [-Math.LN2, 0, 1.609437912],
    sqrt: [Math.SQRT1_2, 1, 2.236067977],
  };

  test.each(Object.keys(expected) as (keyof typeof expected)[])("%s", (op) => {
    const only = positive[op];
    if (only === undefined)
      expectNumbers(
        run([x], (t) => widen(t.graph.apply(op, [t], {}))),
        expected[op],
      );
    else
      expectNumbers(
        run([f64([3], [0.5, 1, 5])], (t) => widen(t.graph.apply(op, [t], {}))),
        only,
      );
  });

  test("erf keeps its digits near zero and in its tails", () => {
    const points = f64([5], [1e-9, 0.5, 3, 4.5, -5.9]);
    const exact = [2e-9 / Math.sqrt(Math.PI), 0.5204998778130465, 0.9999779095030014, 0.9999999998033839, -1];
    expectNumbers(run([points], g.erf), exact, 1e-15);
  });

  test("clampGradient and stopGradient are identities", () => {
    expectNumbers(
      run([x], (t) => g.clampGradient(g.stopGradient(t), 0.1)),
      [-2.5, -0.7, 0, 0.3, 1.9],
    );
  });

  test("binary ops broadcast", () => {
    const a = f64([2, 1], [1, -2]);
    const b = f64([3], [4, 0.5, -3]);
    expectNumbers(run([a, b], g.add), [5, 1.5, -2, 2, -1.5, -5]);
    expectNumbers(run([a, b], g.sub), [-3, 0.5, 4, -6, -2.5, 1]);
    expectNumbers(run([a, b], g.mul), [4, 0.5, -3, -8, -1, 6]);
    expectNumbers(run([a, b], g.div), [0.25, 2, -1 / 3, -0.5, -4, 2 / 3]);
    expectNumbers(run([a, b], g.maximum), [4, 1, 1, 4, 0.5, -2]);
    expectNumbers(run([a, b], g.minimum), [1, 0.5, -3, -2, -2, -3]);
    expectNumbers(run([f64([2], [2, 9]), f64([2, 1], [0.5, -1])], g.pow), [Math.SQRT2, 3, 0.5, 1 / 9]);
    expect(run([a, b], g.less)).toEqual(bools([2, 3], [1, 0, 0, 1, 1, 0]));
    expect(run([a, b], g.greater)).toEqual(bools([2, 3], [0, 1, 1, 0, 0, 1]));
  });

  test("comparisons and logic", () => {
    const a = i64([3], [1, 2, 3]);
    expect(run([a], (x) => g.equal(x, 2))).toEqual(bools([3], [0, 1, 0]));
    expect(run([a], (x) => g.lessOrEqual(x, 2))).toEqual(bools([3], [1, 1, 0]));
    expect(run([a], (x) => g.greaterOrEqual(x, 2))).toEqual(bools([3], [0, 1, 1]));
    const [p, q] = [bools([4], [0, 0, 1, 1]), bools([4], [0, 1, 0, 1])];
    expect(run([p, q], g.and)).toEqual(bools([4], [0, 0, 0, 1]));
    expect(run([p, q], g.or)).toEqual(bools([4], [0, 1, 1, 1]));
    expect(run([p], g.not)).toEqual(bools([4], [1, 1, 0, 0]));
  });

  test("integer arithmetic truncates towards zero and wraps", () => {
    expect(run([i64([4], [7, -7, 7, -7]), i64([4], [2, 2, -2, -2])], g.div)).toEqual(i64([4], [3, -3, -3, 3]));
    expect(run([tensor("uint8", [2], Uint8Array.of(250, 3))], (x) => g.add(x, 10)).data).toEqual(Uint8Array.of(4, 13));
    expect(run([tensor("int32", [2], Int32Array.of(-5, 3))], (x) => g.relu(g.neg(x))).data).toEqual(
      Int32Array.of(5, 0),
    );
    expect(() => run([i64([1], [1]), i64([1], [0])], g.div)).toThrow("division by zero");
  });

  test("casts", () => {
    expect(run([f64([3], [-1.9, 0.4, 2.5])], (x) => g.cast(x, "int64"))).toEqual(i64([3], [-1, 0, 2]));
    expect(run([f64([3], [-1.9, 0, 2.5])], (x) => g.cast(x, "bool"))).toEqual(bools([3], [1, 0, 1]));
    expectNumbers(
      run([f64([2], [1 / 3, 100000])], (x) => g.cast(x, "float16")),
      [0.333251953125, Infinity],
      0,
    );
    expectNumbers(
      run([bools([2], [0, 1])], (x) => g.cast(x, "float32")),
      [0, 1],
    );
  });
});

describe("products, normalisation, reduction", () => {
  test("matMul broadcasts and transposes", () => {
    const a = f64([2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const b = f64([2, 3], [1, 0, 2, 0, 1, 1]);
    expect(run([a, b], (x, y) => g.matMul(x!, y!))).toEqual(f64([2, 1, 2, 3], [1, 2, 4, 3, 4, 10, 5, 6, 16, 7, 8, 22]));
    const aT = f64([2, 2], [1, 3, 2, 4]);
    const bT = f64([3, 2], [1, 0, 0, 1, 2, 1]);
    expect(run([aT, bT], (x, y) => g.matMul(x, y, { transposeA: true, transposeB: true }))).toEqual(
      f64([2, 3], [1, 2, 4, 3, 4, 10]),
    );
    const bias = f64([3], [10, 20, 30]);
    expect(run([aT, b, bias], (x, y, z) => g.gemm(x, y, z, { transposeA: true }))).toEqual(
      f64([2, 3], [11, 22, 34, 13, 24, 40]),
    );
  });

  test("softmax and logSoftmax", () => {
    const soft = [0.744270575, 0.544960326, 0.246985783, 0.255729425, 0.455039674, 0.753014217];
    expectNumbers(
      run([wave(2, 3)], (x) => g.softmax(x, 0)),
      soft,
    );
    const log = [-61.377722016, 0, -143.913356773, -150.173353323, -5.55e-7, -14.405185278];
    expectNumbers(
      run([wave(2, 3)], (x) => g.logSoftmax(g.mul(x, 100))),
      log,
    );
  });

  test("layerNorm and batchNorm", () => {
    const affine = [f64([3], [1, 2, 0.5]), f64([3], [0.1, 0, -0.3])];
    expectNumbers(
      run([wave(2, 3), ...affine], (x, scale, bias) => g.layerNorm(x!, scale!, bias, 1e-5)),
      [0.219608198, 2.321069794, -0.940071548, -1.308844915, 1.621769619, -0.001019947],
    );
    const statistics = [f64([2], [1, 2]), f64([2], [0.3, 0.4]), f64([2], [0.1, -0.2]), f64([2], [0.5, 2])];
    expectNumbers(
      run([wave(1, 2, 3), ...statistics], (x, s, b, m, v) => g.batchNorm(x!, s!, b!, m!, v!, 1e-3)),
      [0.576231235, 1.443376592, -0.589833424, -0.409808879, 1.713432299, 1.509763133],
    );
  });

  test("reductions", () => {
    const x = f64([2, 3], [1, 5, -2, 7, 7, 0]);
    expect(run([x], (t) => g.reduceSum(t, 0))).toEqual(f64([3], [8, 12, -2]));
    expect(run([x], (t) => g.reduceMean(t, [0, 1], { keepDims: true }))).toEqual(f64([1, 1], [3]));
    expect(run([x], (t) => g.reduceMax(t, -1))).toEqual(f64([2], [5, 7]));
    expect(run([x], (t) => g.argMax(t, 1))).toEqual(i64([2], [1, 0]));
    expect(run([x], (t) => g.argMax(t, 0, { keepDims: true }))).toEqual(i64([1, 3], [1, 1, 1]));
    expect(run([i64([3], [-4, -5, -6])], (t) => g.reduceMax(t, 0))).toEqual(i64([], [-4]));
    expect(run([i64([3], [-4, -5, -6])], (t) => g.reduceSum(t, 0))).toEqual(i64([], [-15]));
  });
});

describe("layout and indices", () => {
  const x = i64([2, 3], [1, 2, 3, 4, 5, 6]);

  test("reshape, transpose, slice, concat, pad, expand, where", () => {
    expect(run([x], (t) => g.reshape(t, [3, -1]))).toEqual(i64([3, 2], [1, 2, 3, 4, 5, 6]));
    expect(run([x], (t) => g.transpose(t, [1, 0]))).toEqual(i64([3, 2], [1, 4, 2, 5, 3, 6]));
    const cube = i64([2, 1, 3], [1, 2, 3, 4, 5, 6]);
    expect(run([cube], (t) => g.transpose(t, [2, 0, 1]))).toEqual(i64([3, 2, 1], [1, 4, 2, 5, 3, 6]));
    expect(run([x], (t) => g.slice(t, 1, 0, Infinity, 2))).toEqual(i64([2, 2], [1, 3, 4, 6]));
    expect(run([x], (t) => g.slice(t, 1, -2, -1))).toEqual(i64([2, 1], [2, 5]));
    expect(run([x], (t) => g.concat([t, g.slice(t, 1, 0, 1)], 1))).toEqual(i64([2, 4], [1, 2, 3, 1, 4, 5, 6, 4]));
    expect(run([x], (t) => g.pad(t, [0, 1], [1, 0], 9))).toEqual(i64([3, 4], [9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9]));
    expect(run([i64([2, 1], [1, 2])], (t) => g.expand(t, [2, 2, 3]))).toEqual(
      i64([2, 2, 3], [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]),
    );
    expect(run([bools([2, 1], [1, 0]), x], (c, t) => g.where(c!, t!, g.neg(t!)))).toEqual(
      i64([2, 3], [1, 2, 3, -4, -5, -6]),
    );
  });

  test("topK, takeFirst", () => {
    const x = f64([2, 4], [3, 1, 3, 2, 5, 7, 6, 8]);
    expect(run([x], (t) => g.topK(t, 3))).toEqual(i64([2, 3], [0, 2, 3, 3, 1, 2]));
    expect(run([x], (t) => g.topK(t, 1, 0))).toEqual(i64([1, 4], [1, 1, 1, 1]));
    expect(run([x, i64([], [2])], (t, n) => g.takeFirst(t!, n!, 1, "kept"))).toEqual(f64([2, 2], [3, 1, 5, 7]));
    expect(run([x, i64([], [0])], (t, n) => g.takeFirst(t!, n!, 0, "kept"))).toEqual(f64([0, 4], []));
    expect(() => run([x, i64([], [5])], (t, n) => g.takeFirst(t!, n!, 1, "kept"))).toThrow(/no first 5 of 4/);
    expect(() => run([x], (t) => g.topK(t, 5))).toThrow(/no 5 largest of 4/);
    const twoCounts = (t: Tensor, n: Tensor) =>
      g.add(g.takeFirst(t, n, 1, "kept"), g.takeFirst(t, g.add(n, 1), 1, "kept"));
    expect(() => run([x, i64([], [2])], (t, n) => twoCounts(t!, n!))).toThrow(/"kept" is already the name/);
  });

  test("nonMaxSuppression", () => {
    // The second overlaps the first by a half of their union, the third touches nothing, the fourth is the first again with its corners the other way round.
    const boxes = f64([1, 4, 4], [0, 0, 2, 3, 0, 0, 2, 1.5, 5, 5, 6, 6, 2, 3, 0, 0]);
    const scores = f64([1, 2, 4], [0.9, 0.8, 0.1, 0.9, 0.2, 0.8, 0.1, 0.3]);
    const kept = (options: Omit<Parameters<typeof g.nonMaxSuppression>[2], "iouThreshold">, iouThreshold = 0.4) =>
      run([boxes, scores], (b, s) => g.nonMaxSuppression(b!, s!, { iouThreshold, ...options }));
    expect(kept({})).toEqual(bools([1, 2, 4], [1, 0, 1, 0, 0, 1, 1, 0]));
    expect(kept({}, 0.5)).toEqual(bools([1, 2, 4], [1, 1, 1, 0, 0, 1, 1, 1]));
    expect(kept({ scoreThreshold: 0.1 })).toEqual(bools([1, 2, 4], [1, 0, 0, 0, 0, 1, 0, 0]));
    expect(kept({ limit: 1 })).toEqual(bools([1, 2, 4], [1, 0, 0, 0, 0, 1, 0, 0]));
    expect(() => kept({}, 1.5)).toThrow(/no share of overlap/);
    expect(() => kept({ limit: 0 })).toThrow(/limit of 0/);
  });

  test("gather, gatherElements, scatterAdd", () => {
    expect(run([x, i64([2, 2], [2, 0, -1, 1])], (t, i) => g.gather(t!, i!, 1))).toEqual(
      i64([2, 2, 2], [3, 1, 3, 2, 6, 4, 6, 5]),
    );
    const rows = i64([1, 3], [1, 0, 1]);
    expect(run([x, rows], (t, i) => g.gatherElements(t!, i!, 0))).toEqual(i64([1, 3], [4, 2, 6]));
    const columns = i64([2, 2], [1, 1, 0, -1]);
    expect(run([x, columns, i64([2, 2], [10, 20, 30, 40])], (t, i, u) => g.scatterAdd(t!, i!, u!, 1))).toEqual(
      i64([2, 3], [1, 32, 3, 34, 5, 46]),
    );
    expect(() => run([x, i64([1], [3])], (t, i) => g.gather(t!, i!, 1))).toThrow("index 3 is outside 0..2");
  });

  test("iota", () => {
    expect(run([x], (t) => g.iota(t.graph, 3, "int64"))).toEqual(i64([3], [0, 1, 2]));
    expect(run([x], (t) => g.iota(t.graph, 3))).toEqual(f64([3], [0, 1, 2]));
  });
});
