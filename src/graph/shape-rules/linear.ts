// Shapes of matrix products, normalisations and reductions.
import type { Dim } from "../dimensions.ts";
import type { LinearOps, NormalizationOps, Op, ReductionOps } from "../ops.ts";
import type { Inferred, Tensor } from "../tensor.ts";
import { FLOATS, type GraphDTypeList, numeric } from "./dtypes.ts";
import {
  broadcast,
  normalizeAxis,
  refuse,
  requireCount,
  requireDType,
  requireRank,
  requireSameDType,
  type ShapeRule,
  type ShapeRules,
  type Where,
} from "./rule.ts";

/** Rows and columns of the last two dimensions after an optional transpose. */
function matrix(shape: readonly Dim[], transposed: boolean): [rows: Dim, columns: Dim] {
  const rows = shape[shape.length - 2]!;
  const columns = shape[shape.length - 1]!;
  return transposed ? [columns, rows] : [rows, columns];
}

export const linearShapes: ShapeRules<keyof LinearOps> = {
  matMul: (inputs, { transposeA, transposeB }, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs, FLOATS);
    const dtype = requireSameDType(where, inputs);
    const [a, b] = inputs as [Tensor, Tensor];
    if (a.shape.length < 2 || b.shape.length < 2) refuse(where, "both inputs need at least two dimensions", inputs);
    const [m, k] = matrix(a.shape, transposeA);
    const [k2, n] = matrix(b.shape, transposeB);
    if (k !== k2) refuse(where, `inner sizes ${k} and ${k2} differ`, inputs);
    return { shape: [...broadcast(where, inputs, [a.shape.slice(0, -2), b.shape.slice(0, -2)]), m, n], dtype };
  },
  gemm: (inputs, { transposeA, transposeB }, where) => {
    requireCount(where, inputs, 2, 3);
    requireDType(where, inputs, FLOATS);
    const dtype = requireSameDType(where, inputs);
    requireRank(where, inputs, 0, 2);
    requireRank(where, inputs, 1, 2);
    const [m, k] = matrix(inputs[0]!.shape, transposeA);
    const [k2, n] = matrix(inputs[1]!.shape, transposeB);
    if (k !== k2) refuse(where, `inner sizes ${k} and ${k2} differ`, inputs);
    const bias = inputs[2];
    if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== n))
      refuse(where, `the bias must be [${n}]`, inputs);
    return { shape: [m, n], dtype };
  },
};

const alongAxis: ShapeRule<"softmax" | "logSoftmax"> = (inputs, { axis }, where) => {
  requireCount(where, inputs, 1);
  requireDType(where, inputs, FLOATS);
  normalizeAxis(where, inputs, axis, inputs[0]!.shape.length);
  return { shape: inputs[0]!.shape, dtype: inputs[0]!.dtype };
};

export const normalizationShapes: ShapeRules<keyof NormalizationOps> = {
  softmax: alongAxis,
  logSoftmax: alongAxis,
  layerNorm: (inputs, _, where) => {
    requireCount(where, inputs, 2, 3);
    requireDType(where, inputs, FLOATS);
    const x = inputs[0]!;
    const width = x.shape.at(-1);
    for (const affine of inputs.slice(1))
      if (affine.shape.length !== 1 || affine.shape[0] !== width)
        refuse(where, `scale and bias must be [${width}]`, inputs);
    return { shape: x.shape, dtype: x.dtype };
  },
  inverseDeviation: (inputs, _, where) => {
    requireCount(where, inputs, 1);
    requireDType(where, inputs, FLOATS);
    const { shape, dtype } = inputs[0]!;
    if (typeof shape.at(-1) !== "number") refuse(where, "needs a last axis of fixed size", inputs);
    return { shape: shape.with(-1, 1), dtype };
  },
  batchNorm: (inputs, _, where) => {
    requireCount(where, inputs, 5);
    requireDType(where, inputs, FLOATS);
    const channels = inputs[0]!.shape[1];
    for (const statistic of inputs.slice(1))
      if (statistic.shape.length !== 1 || statistic.shape[0] !== channels)
        refuse(where, `scale, bias, mean and variance must be [${channels}]`, inputs);
    return { shape: inputs[0]!.shape, dtype: inputs[0]!.dtype };
  },
};

function reduced(where: Where, inputs: readonly Tensor[], axes: readonly number[], keepDims: boolean): readonly Dim[] {
  requireCount(where, inputs, 1);
  const { shape } = inputs[0]!;
  const gone = new Set(axes.map((axis) => normalizeAxis(where, inputs, axis, shape.length)));
  return shape.flatMap((size, i) => (gone.has(i) ? (keepDims ? [1] : []) : [size]));
}

const reduction =
  (dtypes: GraphDTypeList): ShapeRule<Op> =>
  (inputs, attributes, where): Inferred => {
    requireDType(where, inputs, dtypes);
    const { axes, keepDims } = attributes as ReductionOps["reduceSum"];
    return { shape: reduced(where, inputs, axes, keepDims), dtype: inputs[0]!.dtype };
  };

export const reductionShapes: ShapeRules<keyof ReductionOps> = {
  reduceSum: reduction(numeric),
  reduceMean: reduction(FLOATS),
  reduceMax: reduction(numeric),
  argMax: (inputs, { axis, keepDims }, where) => ({ shape: reduced(where, inputs, [axis], keepDims), dtype: "int64" }),
};
