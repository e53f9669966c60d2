// Ops that move values without computing.
import * as g from "../../src/graph/build.ts";
import type { Shape } from "../../src/graph/dimensions.ts";
import type { IndexOps, LayoutOps } from "../../src/graph/ops.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { type CaseInput, cases, EVERY, indices, NUMERIC, type OpCase, type OpCases, range, x } from "./case.ts";

/** Always four. */
const COUNT: CaseInput = { shape: [], dtype: "int64", low: 4, high: 5 };

const suppressed = (boxes: Shape, scores: Shape): Pick<OpCase, "inputs"> => ({
  inputs: { boxes: { shape: boxes }, scores: { shape: scores, low: 0, high: 1 } },
});
const suppress =
  (options: Parameters<typeof g.nonMaxSuppression>[2]): OpCase["build"] =>
  ({ boxes, scores }) =>
    g.nonMaxSuppression(boxes!, scores!, options);

export const layoutCases: OpCases<keyof LayoutOps | keyof IndexOps> = {
  reshape: [
    { title: "fixed", inputs: x([2, 3, 4]), build: ({ x }) => g.reshape(x!, [4, 6]) },
    { title: "merge a free size", inputs: x(["batch", 49, 4]), build: ({ x }) => g.reshape(x!, [-1, 4]) },
    {
      title: "split a free size",
      inputs: x(["49*batch", 4, "batch"]),
      build: ({ x }) => g.reshape(x!, ["batch", 49, 4, "batch"]),
    },
    {
      title: "two free sizes stay",
      inputs: x(["batch", 4, "width"]),
      build: ({ x }) => g.reshape(x!, ["batch", 2, 2, "width"]),
    },
    {
      title: "three free sizes move",
      inputs: x(["batch", "height", "width", 2]),
      build: ({ x }) => g.reshape(x!, ["batch*width", 2, "height"]),
    },
    { title: "all merged", inputs: x(["batch", "height", "width"]), build: ({ x }) => g.reshape(x!, [-1]) },
    { title: "scalar", inputs: x([1, 1]), build: ({ x }) => g.reshape(x!, []) },
    { title: "empty", inputs: x([0, 3]), build: ({ x }) => g.reshape(x!, [3, 0]) },
    {
      title: "sizes of a convolution",
      inputs: { ...x(["batch", 1, "height", "width"]), weight: { shape: [2, 1, 3, 3] } },
      build: ({ x, weight }) => {
        const y = g.conv(x!, weight!, undefined, { strides: [2, 2], padding: [1, 1] });
        return g.reshape(y, [y.shape[2]!, "batch", 2, y.shape[3]!]);
      },
    },
    ...EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: x(["batch", 4], dtype),
        build: ({ x }) => g.reshape(x!, ["batch", 2, 2]),
      }),
    ),
  ],
  transpose: cases([
    { title: "four axes", inputs: x(["batch", 3, "height", 2]), build: ({ x }) => g.transpose(x!, [0, 2, 3, 1]) },
    ...EVERY.map(
      (dtype): OpCase => ({ title: dtype, inputs: x(["batch", 3], dtype), build: ({ x }) => g.transpose(x!, [1, 0]) }),
    ),
  ]),
  slice: cases([
    { title: "to the end", inputs: x(["batch", "width"]), build: ({ x }) => g.slice(x!, 1, 2) },
    { title: "from the back", inputs: x(["batch", "width"]), build: ({ x }) => g.slice(x!, 1, -2) },
    { title: "up to the last", inputs: x(["batch", "width"]), build: ({ x }) => g.slice(x!, 1, 1, -1) },
    { title: "steps", inputs: x([3, 9]), build: ({ x }) => g.slice(x!, 1, 1, 8, 3) },
    { title: "nothing", inputs: x([3, 9]), build: ({ x }) => g.slice(x!, 1, 4, 4) },
    {
      title: "two axes",
      inputs: x([3, 9]),
      build: ({ x }) =>
        x!.graph.apply("slice", [x!], {
          axes: [0, 1],
          starts: [1, -4],
          ends: [Number.POSITIVE_INFINITY, -1],
          steps: [1, 2],
        }) as unknown as Tensor,
    },
    ...EVERY.map(
      (dtype): OpCase => ({ title: dtype, inputs: x(["batch", 5], dtype), build: ({ x }) => g.slice(x!, 1, 1, 3) }),
    ),
  ]),
  concat: cases([
    {
      title: "three along a free axis",
      inputs: { a: { shape: ["batch", 2] }, b: { shape: ["batch", 2] }, c: { shape: [3, 2] } },
      build: ({ a, b, c }) => g.concat([a!, b!, c!, a!], 0),
    },
    ...EVERY.map(
      (dtype): OpCase => ({ title: dtype, inputs: x(["batch", 2], dtype), build: ({ x }) => g.concat([x!, x!], 1) }),
    ),
  ]),
  pad: cases([
    { title: "minus one", inputs: x(["batch", 3]), build: ({ x }) => g.pad(x!, [0, 1], [2, 0], -1) },

    ...EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: x(["batch", 3], dtype),
        build: ({ x }) => g.pad(x!, [1, 0], [0, 2], 1),
      }),
    ),
  ]),
  expand: cases([
    { title: "fixed", inputs: x([3, 1]), build: ({ x }) => g.expand(x!, [2, 3, 4]) },
    {
      title: "to a free size",
      inputs: { ...x([1, 3, 4]), other: { shape: ["batch", "width"] } },
      build: ({ x, other }) => g.add(g.expand(x!, ["batch", 3, 4]), g.reduceSum(other!, [0, 1])),
    },
    {
      title: "to a computed size",
      inputs: { ...x(["width", 1, 1]), other: { shape: ["batch", "height"] } },
      build: ({ x, other }) => g.add(g.expand(x!, ["batch", "width", "2*batch", 7]), g.reduceSum(other!, [0, 1])),
    },
    ...EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: x(["batch", 1], dtype),
        build: ({ x }) => g.expand(x!, ["batch", 3]),
      }),
    ),
  ]),
  where: cases(
    EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: {
          condition: { shape: ["batch", 1, 3], dtype: "bool" },
          a: { shape: [4, 1], dtype, ...range(dtype) },
          b: { shape: [], dtype, ...range(dtype) },
        },
        build: ({ condition, a, b }) => g.where(condition!, a!, b!),
      }),
    ),
  ),
  gather: cases([
    {
      title: "rows",
      inputs: { ...x([6, "width"]), at: indices(["batch", 4], 6) },
      build: ({ x, at }) => g.gather(x!, at!, 0),
    },
    {
      title: "inner axis",
      inputs: { ...x(["batch", 6, 2]), at: indices([3], 6) },
      build: ({ x, at }) => g.gather(x!, at!, 1),
    },
    { title: "one", inputs: { ...x(["batch", 6]), at: indices([], 6) }, build: ({ x, at }) => g.gather(x!, at!, 1) },
    {
      title: "int32 indices",
      inputs: { ...x([6, 2]), at: indices([3], 6, "int32") },
      build: ({ x, at }) => g.gather(x!, at!, 0),
    },
    ...EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: { ...x([6, 2], dtype), at: indices(["batch"], 6) },
        build: ({ x, at }) => g.gather(x!, at!, 0),
      }),
    ),
  ]),
  gatherElements: cases([
    {
      title: "first axis",
      inputs: { ...x([6, 3]), at: indices(["batch", 3], 6) },
      build: ({ x, at }) => g.gatherElements(x!, at!, 0),
    },
    {
      title: "int32 indices",
      inputs: { ...x([2, 6]), at: indices([2, 3], 6, "int32") },
      build: ({ x, at }) => g.gatherElements(x!, at!, 1),
    },
    ...EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: { ...x(["batch", 6], dtype), at: indices(["batch", 4], 6) },
        build: ({ x, at }) => g.gatherElements(x!, at!, 1),
      }),
    ),
  ]),
  scatterAdd: cases([
    {
      title: "duplicates",
      inputs: { ...x([3, 4]), at: indices([20, 4], 3), updates: { shape: [20, 4] } },
      build: ({ x, at, updates }) => g.scatterAdd(x!, at!, updates!, 0),
    },
    {
      title: "int32 indices",
      inputs: { ...x([3, 4]), at: indices([3, 9], 4, "int32"), updates: { shape: [3, 9] } },
      build: ({ x, at, updates }) => g.scatterAdd(x!, at!, updates!, 1),
    },
    ...NUMERIC.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: {
          ...x(["batch", 3], dtype),
          at: indices(["batch", 5], 3),
          updates: { shape: ["batch", 5], dtype, ...range(dtype) },
        },
        build: ({ x, at, updates }) => g.scatterAdd(x!, at!, updates!, 1),
      }),
    ),
  ]),
  topK: cases([
    { title: "some of a free size", inputs: x(["batch", "width"]), build: ({ x }) => g.topK(x!, 3, 1) },
    { title: "inner axis", inputs: x([2, 6, 3]), build: ({ x }) => g.topK(x!, 4, 1) },
    { title: "all of a free size, which sorts", inputs: x(["batch", "width"]), build: ({ x }) => g.topK(x!, "width") },
    {
      title: "ties: the lower place first",
      inputs: { x: { shape: ["batch", 40], dtype: "int64", low: 0, high: 3 } },
      build: ({ x }) => g.topK(g.cast(x!, "float32"), 30),
    },
    ...NUMERIC.map(
      (dtype): OpCase => ({ title: dtype, inputs: x(["batch", 9], dtype), build: ({ x }) => g.topK(x!, 5) }),
    ),
  ]),
  takeFirst: cases([
    {
      title: "used as a size of other values",
      inputs: { ...x(["batch", 6, 2]), count: COUNT },
      sizes: { kept: 4 },
      build: ({ x, count }) => {
        const first = g.takeFirst(x!, count!, 1, "kept"); // (batch, kept, 2)
        const rows = g.reshape(first, [-1, 2]); // (batch * kept, 2)
        const places = g.reshape(g.iota(first.graph, "kept"), ["kept", 1]);
        const spread = g.expand(g.reduceMean(first, 1, { keepDims: true }), ["batch", "kept", 2]);
        return g.add(g.mul(g.reshape(rows, first.shape), places), spread);
      },
    },
    {
      title: "two values by one count, of a computed size",
      inputs: { ...x(["batch", "width"]), count: COUNT },
      sizes: { kept: 4 },
      build: ({ x, count }) => {
        const doubled = g.concat([x!, g.neg(x!)], 1);
        const both = [doubled, g.exp(doubled)].map((value) => g.takeFirst(value, count!, 1, "kept"));
        return g.matMul(both[0]!, both[1]!, { transposeB: true });
      },
    },
    {
      title: "a count that the values decide",
      inputs: { ...x(["batch", 6]) },
      sizes: { kept: 6 },
      build: ({ x }) => g.takeFirst(x!, g.reduceSum(g.cast(g.less(g.reduceMax(x!, 0), 9), "int64"), 0), 1, "kept"),
    },
    ...EVERY.map(
      (dtype): OpCase => ({
        title: dtype,
        inputs: { ...x(["batch", 6], dtype), count: COUNT },
        sizes: { kept: 4 },
        build: ({ x, count }) => g.takeFirst(x!, count!, 1, "kept"),
      }),
    ),
  ]),
  nonMaxSuppression: cases([
    {
      title: "some overlap",
      ...suppressed(["batch", 40, 4], ["batch", 3, 40]),
      build: suppress({ iouThreshold: 0.3 }),
    },
    {
      title: "free sizes",
      ...suppressed(["batch", "width", 4], ["batch", 2, "width"]),
      build: suppress({ iouThreshold: 0.1 }),
    },
    {
      title: "a threshold of scores and a limit",
      ...suppressed([2, 60, 4], [2, 2, 60]),
      build: suppress({ iouThreshold: 0.5, scoreThreshold: 0.4, limit: 7 }),
    },
    {
      title: "nothing is above the threshold",
      ...suppressed([1, 5, 4], [1, 1, 5]),
      build: suppress({ iouThreshold: 0.5, scoreThreshold: 2 }),
    },
    {
      title: "ties: the lower index first",
      ...suppressed([1, 30, 4], [1, 2, 30]),
      build: ({ boxes, scores }) => g.nonMaxSuppression(boxes!, g.floor(g.mul(scores!, 3)), { iouThreshold: 0.2 }),
    },
  ]),
};
