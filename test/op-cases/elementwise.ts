// Sources, unary and binary ops.
import * as g from "../../src/graph/build.ts";
import type { Shape } from "../../src/graph/dimensions.ts";
import type { BinaryOps, GraphDType, SourceOps, UnaryOps } from "../../src/graph/ops.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { tensor } from "../../src/tensor.ts";
import { cases, dynamic3, EVERY, FLOATS, isFloat, NUMERIC, type OpCase, type OpCases, range, x } from "./case.ts";

type Unary = (x: Tensor) => Tensor;
function unary(
  op: Unary,
  dtypes: readonly GraphDType[] = FLOATS,
  limits: { low?: number; high?: number } = {},
): OpCase[] {
  return dtypes.flatMap((dtype): OpCase[] => [
    {
      title: `${dtype}, free sizes`,
      inputs: { x: { shape: ["batch", 3, "width"], dtype, ...range(dtype), ...limits } },
      build: ({ x }) => op(x!),
    },
    {
      title: `${dtype}, scalar`,
      inputs: { x: { shape: [], dtype, ...range(dtype), ...limits } },
      build: ({ x }) => op(x!),
    },
  ]);
}

type Binary = (a: Tensor, b: Tensor) => Tensor;
function binary(
  op: Binary,
  dtypes: readonly GraphDType[] = NUMERIC,
  limits: { a?: { low?: number; high?: number }; b?: { low?: number; high?: number } } = {},
): OpCase[] {
  const pairs: [string, Shape, Shape][] = [
    ["same shape", ["batch", 3], ["batch", 3]],
    ["broadcast both ways", ["batch", 1, 4], [3, 1]],
    ["a scalar", [2, 3], []],
  ];
  return dtypes.flatMap((dtype) =>
    pairs.map(
      ([title, a, b]): OpCase => ({
        title: `${dtype}, ${title}`,
        inputs: {
          a: { shape: a, dtype, ...range(dtype), ...limits.a },
          b: { shape: b, dtype, ...range(dtype), ...limits.b },
        },
        build: ({ a, b }) => op(a!, b!),
      }),
    ),
  );
}

export const sourceCases: OpCases<keyof SourceOps> = {
  input: [
    ...EVERY.map(
      (dtype): OpCase => ({
        title: `${dtype} straight to an output`,
        inputs: x(["batch", 3], dtype),
        build: ({ x }) => x!,
      }),
    ),
  ] as [OpCase, ...OpCase[]],
  parameter: [
    {
      title: "straight to an output",
      inputs: {},
      build: (_, graph) => graph.parameter("weight", [3, 4], { kind: "normal", std: 1 }),
    },
    {
      title: "scaled",
      inputs: x(["batch", 4]),
      build: ({ x }, graph) => g.mul(x!, graph.parameter("a.weight", [4], { kind: "uniform", low: -1, high: 1 })),
    },
  ],
  constant: [
    {
      title: "straight to an output",
      inputs: {},
      build: (_, graph) => g.values(graph, [2, 3], [1, -0, 3.5, 1e-20, -5, 6e20]),
    },
    {
      title: "long",
      inputs: x(["batch", 40]),
      build: ({ x }, graph) => g.add(x!, g.values(graph, [40], new Float32Array(40).fill(2))),
    },
    {
      title: "bool",
      inputs: x(["batch", 2], "bool"),
      build: ({ x }, graph) => g.and(x!, g.constant(graph, tensor("bool", [2], Uint8Array.of(1, 0)))),
    },
  ],
  size: [
    { title: "fixed", inputs: {}, build: (_, graph) => g.sizeValue(graph, 7) },
    { title: "of an input", inputs: x(dynamic3), build: (_, graph) => g.sizeValue(graph, "width") },
    {
      title: "computed",
      inputs: x(dynamic3),
      build: (_, graph) => g.sizeValue(graph, "floor((width - 1)/2) + 49*batch*width"),
    },
  ],
  iota: [
    { title: "fixed floats", inputs: {}, build: (_, graph) => g.iota(graph, 5) },
    { title: "fixed integers", inputs: {}, build: (_, graph) => g.iota(graph, 5, "int64") },
    { title: "free floats", inputs: x(dynamic3), build: ({ x }, graph) => g.add(x!, g.iota(graph, "width")) },
    { title: "free integers", inputs: x(dynamic3), build: (_, graph) => g.iota(graph, "2*width", "int64") },
  ],
};

export const elementwiseCases: OpCases<keyof UnaryOps | keyof BinaryOps> = {
  neg: cases(unary(g.neg, NUMERIC)),
  abs: cases(unary(g.abs, NUMERIC)),
  exp: cases(unary(g.exp)),
  log: cases(unary(g.log, FLOATS, { low: 0.1, high: 4 })),
  sqrt: cases(unary(g.sqrt, FLOATS, { low: 0.1, high: 4 })),
  sin: cases(unary(g.sin)),
  cos: cases(unary(g.cos)),
  tanh: cases(unary(g.tanh)),
  sigmoid: cases(unary(g.sigmoid)),
  erf: cases(unary(g.erf)),
  normalCdf: cases(unary(g.normalCdf)),
  relu: cases(unary(g.relu, NUMERIC)),
  relu6: cases(unary(g.relu6, FLOATS, { low: -3, high: 9 })),
  sign: cases(unary(g.sign, NUMERIC)),
  floor: cases(unary(g.floor)),
  gelu: cases(unary(g.gelu)),
  quickGelu: cases(unary(g.quickGelu)),
  silu: cases(unary(g.silu)),
  hardSigmoid: cases(unary(g.hardSigmoid, FLOATS, { low: -5, high: 5 })),
  hardSwish: cases(unary(g.hardSwish, FLOATS, { low: -5, high: 5 })),
  not: cases(unary(g.not, ["bool"])),
  cast: cases(
    EVERY.flatMap((from) =>
      EVERY.filter((to) => to !== from).map(
        (to): OpCase => ({
          title: `${from} to ${to}`,
          inputs: {
            x: { shape: ["batch", 3], dtype: from, ...range(from), ...(isFloat(from) ? { low: 0, high: 9 } : {}) },
          },
          build: ({ x }) => g.cast(x!, to),
        }),
      ),
    ),
  ),
  stopGradient: cases(unary(g.stopGradient, EVERY)),
  clampGradient: cases(unary((x) => g.clampGradient(x, 0.5))),
  add: cases(binary(g.add)),
  sub: cases(binary(g.sub)),
  mul: cases(binary(g.mul)),
  div: cases([
    ...binary(g.div, FLOATS, { b: { low: 0.5, high: 2 } }),
    ...binary(g.div, ["int64", "int32", "int8", "uint8"], { b: { low: 1, high: 4 } }),
  ]),
  pow: cases(binary(g.pow, FLOATS, { a: { low: 0.2, high: 2 } })),
  maximum: cases(binary(g.maximum)),
  minimum: cases(binary(g.minimum)),
  equal: cases(binary(g.equal, EVERY)),
  less: cases(binary(g.less)),
  lessOrEqual: cases(binary(g.lessOrEqual)),
  greater: cases(binary(g.greater)),
  greaterOrEqual: cases(binary(g.greaterOrEqual)),
  and: cases(binary(g.and, ["bool"])),
  or: cases(binary(g.or, ["bool"])),
};
