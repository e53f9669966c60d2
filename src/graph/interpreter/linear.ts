// Kernels of matrix products, normalisations and reductions.
import { elementCount } from "../../tensor.ts";
import type { LinearOps, NormalizationOps, ReductionOps } from "../ops.ts";
import {
  aroundAxis,
  axisFromFront,
  broadcastShape,
  broadcastStrides,
  floats,
  floatValue,
  type Kernels,
  reserve,
  storeInteger,
  stridesOf,
  type Value,
  walk,
} from "./value.ts";

function deviationOf(line: Float64Array, epsilon: number): { mean: number; inverse: number } {
  const mean = sum(line) / line.length;
  const variance = sum(line.map((value) => (value - mean) ** 2)) / line.length;
  return { mean, inverse: 1 / Math.sqrt(variance + epsilon) };
}

/** The last two dimensions as rows and columns, and how far apart they lie. */
function matrixView(value: Value, transposed: boolean) {
  const [rows, columns] = value.shape.slice(-2) as [number, number];
  return transposed
    ? { rows: columns, columns: rows, rowStride: 1, columnStride: columns }
    : { rows, columns, rowStride: columns, columnStride: 1 };
}

function product(a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  const left = matrixView(a, transposeA);
  const right = matrixView(b, transposeB);
  const lead = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const leadA = walk(lead, broadcastStrides(a.shape.slice(0, -2), lead));
  const leadB = walk(lead, broadcastStrides(b.shape.slice(0, -2), lead));
  const x = floats(a);
  const y = floats(b);
  const { rows, columns: inner } = left;
  const { columns } = right;
  const out = new Float64Array(leadA.length * rows * columns);
  for (let batch = 0; batch < leadA.length; batch++)
    for (let i = 0; i < rows; i++) {
      const outRow = (batch * rows + i) * columns;
      for (let k = 0; k < inner; k++) {
        const factor = x[leadA[batch]! * rows * inner + i * left.rowStride + k * left.columnStride]!;
        const rightRow = leadB[batch]! * inner * columns + k * right.rowStride;
        for (let j = 0; j < columns; j++) out[outRow + j]! += factor * y[rightRow + j * right.columnStride]!;
      }
    }
  return floatValue([...lead, rows, columns], out, a.dtype);
}

export const linearKernels: Kernels<keyof LinearOps> = {
  matMul: ([a, b], { transposeA, transposeB }) => product(a!, b!, transposeA, transposeB),
  gemm: ([a, b, bias], { transposeA, transposeB }) => {
    const result = product(a!, b!, transposeA, transposeB);
    if (bias === undefined) return result;
    const width = result.shape[1]!;
    return { ...result, data: floats(result).map((x, i) => x + floats(bias)[i % width]!) };
  },
};

/** Calls back with each line along an axis; what it returns replaces the line. */
function alongAxis(x: Value, axis: number, each: (line: Float64Array) => Float64Array): Value {
  const { outer, size, inner } = aroundAxis(x.shape, axis);
  const source = floats(x);
  const out = new Float64Array(source.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const start = o * size * inner + i;
      const line = each(Float64Array.from({ length: size }, (_, k) => source[start + k * inner]!));
      for (let k = 0; k < size; k++) out[start + k * inner] = line[k]!;
    }
  return { ...x, data: out };
}

const sum = (line: Float64Array) => line.reduce((total, x) => total + x, 0);
const largest = (line: Float64Array) => line.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

export const normalizationKernels: Kernels<keyof NormalizationOps> = {
  softmax: ([x], { axis }) =>
    alongAxis(x!, axis, (line) => {
      const top = largest(line);
      const powers = line.map((value) => Math.exp(value - top));
      const total = sum(powers);
      return powers.map((value) => value / total);
    }),
  logSoftmax: ([x], { axis }) =>
    alongAxis(x!, axis, (line) => {
      const top = largest(line);
      const logTotal = Math.log(sum(line.map((value) => Math.exp(value - top))));
      return line.map((value) => value - top - logTotal);
    }),
  layerNorm: ([x, scale, bias], { epsilon }) =>
    alongAxis(x!, -1, (line) => {
      const { mean, inverse } = deviationOf(line, epsilon);
      return line.map(
        (value, i) => (value - mean) * inverse * floats(scale!)[i]! + (bias === undefined ? 0 : floats(bias)[i]!),
      );
    }),
  inverseDeviation: ([x], { epsilon }) => {
    const size = x!.shape.at(-1)!;
    const numbers = floats(x!);
    const data = Float64Array.from(
      { length: numbers.length / size },
      (_, i) => deviationOf(numbers.subarray(i * size, (i + 1) * size), epsilon).inverse,
    );
    return { ...x!, shape: x!.shape.with(-1, 1), data };
  },
  batchNorm: ([x, ...statistics], { epsilon }) => {
    const [scale, bias, mean, variance] = statistics.map(floats) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const { size, inner } = aroundAxis(x!.shape, 1);
    const data = floats(x!).map((value, i) => {
      const c = Math.floor(i / inner) % size;
      return ((value - mean[c]!) / Math.sqrt(variance[c]! + epsilon)) * scale[c]! + bias[c]!;
    });
    return { ...x!, data };
  },
};

/** Result shape of a reduction, and for each element of the input the position in the result that it goes to. */
function reduction(x: Value, axes: readonly number[], keepDims: boolean) {
  const gone = new Set(axes.map((axis) => axisFromFront(axis, x.shape.length)));
  const kept = x.shape.map((size, i) => (gone.has(i) ? 1 : size));
  const strides = stridesOf(kept).map((stride, i) => (gone.has(i) ? 0 : stride));
  return {
    shape: keepDims ? kept : kept.filter((_, i) => !gone.has(i)),
    length: elementCount(kept),
    targets: walk(x.shape, strides),
  };
}

export const reductionKernels: Kernels<keyof ReductionOps> = {
  reduceSum: ([x], { axes, keepDims }) => {
    const { shape, length, targets } = reduction(x!, axes, keepDims);
    const { dtype, data } = x!;
    const out = reserve(dtype, length);
    if (data instanceof Float64Array && out instanceof Float64Array)
      for (let i = 0; i < data.length; i++) out[targets[i]!]! += data[i]!;
    else
      for (let i = 0; i < data.length; i++)
        storeInteger(out, targets[i]!, dtype, BigInt(out[targets[i]!]!) + BigInt(data[i]!));
    return { dtype, shape, data: out };
  },
  reduceMean: ([x], { axes, keepDims }) => {
    const { shape, length, targets } = reduction(x!, axes, keepDims);
    const data = floats(x!);
    const out = new Float64Array(length);
    for (let i = 0; i < data.length; i++) out[targets[i]!]! += data[i]!;
    return { dtype: x!.dtype, shape, data: out.map((total) => (total * length) / data.length) };
  },
  reduceMax: ([x], { axes, keepDims }) => {
    const { shape, length, targets } = reduction(x!, axes, keepDims);
    const { dtype, data } = x!;
    const out = reserve(dtype, length);
    const started = new Uint8Array(length);
    for (let i = 0; i < data.length; i++) {
      const at = targets[i]!;
      if (started[at] === 0 || data[i]! > out[at]!) out[at] = data[i]!;
      started[at] = 1;
    }
    return { dtype, shape, data: out };
  },
  argMax: ([x], { axis, keepDims }) => {
    const { axis: at, outer, size, inner } = aroundAxis(x!.shape, axis);
    const { data } = x!;
    const out = new BigInt64Array(outer * inner);
    for (let line = 0; line < out.length; line++) {
      const start = Math.floor(line / inner) * size * inner + (line % inner);
      let best = 0;
      for (let k = 1; k < size; k++) if (data[start + k * inner]! > data[start + best * inner]!) best = k;
      out[line] = BigInt(best);
    }
    const shape = x!.shape.flatMap((d, i) => (i !== at ? [d] : keepDims ? [1] : []));
    return { dtype: "int64", shape, data: out };
  },
};
