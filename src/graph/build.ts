// The vocabulary models are written in: one function an op (add, matMul, conv, …) and the few shorthands everybody needs.
// Numbers stand for constants of the other operand's dtype.
import { SaccadeError } from "../errors.ts";
import { numberToHalf, type TensorData, tensor } from "../tensor.ts";
import { type Dim, dim, divideDims, multiplyDims, type Shape, shapesEqual, sizeOf } from "./dimensions.ts";
import type { BinaryOps, GraphDType, IndexOps, SpatialOps, UnaryOps } from "./ops.ts";
import { type Graph, isOp, type Tensor, widen } from "./tensor.ts";

export type Operand = Tensor | number;

// --- sources ---------------------------------------------------------------------------------------------------------------------

/** A value known now. */
export function constant(graph: Graph, value: TensorData): Tensor {
  return widen(graph.apply("constant", [], { value }));
}

/** A scalar constant of a dtype. */
export function scalar(graph: Graph, value: number, dtype: GraphDType = "float32"): Tensor {
  const data = {
    float32: () => tensor("float32", [], new Float32Array([value])),
    float16: () => tensor("float16", [], new Uint16Array([numberToHalf(value)])),
    int64: () => tensor("int64", [], new BigInt64Array([BigInt(value)])),
    int32: () => tensor("int32", [], new Int32Array([value])),
    uint8: () => tensor("uint8", [], new Uint8Array([value])),
    int8: () => tensor("int8", [], new Int8Array([value])),
    bool: () => tensor("bool", [], new Uint8Array([value === 0 ? 0 : 1])),
  }[dtype]();
  return constant(graph, data);
}

/** A float32 constant from numbers. */
export function values(graph: Graph, shape: readonly number[], numbers: ArrayLike<number>): Tensor {
  return constant(graph, tensor("float32", shape, Float32Array.from(numbers)));
}

/** An int64 vector known in advance: places, counts. */
export function wholes(graph: Graph, numbers: ArrayLike<number>): Tensor {
  const data = new BigInt64Array(numbers.length);
  for (let i = 0; i < data.length; i++) data[i] = BigInt(numbers[i]!);
  return constant(graph, tensor("int64", [data.length], data));
}

/** A dimension's value as an int64 scalar. */
export function sizeValue(graph: Graph, size: Dim): Tensor {
  return widen(graph.apply("size", [], { dim: dim(size) }));
}

/** 0, 1, …, length - 1. */
export function iota(graph: Graph, length: Dim, dtype: "float32" | "int64" = "float32"): Tensor {
  return widen(graph.apply("iota", [], { length: dim(length), dtype }));
}

// --- element by element ----------------------------------------------------------------------------------------------------------

const unary =
  (op: Exclude<keyof UnaryOps, "cast" | "clampGradient">) =>
  (x: Tensor): Tensor =>
    widen(x.graph.apply(op, [x], {}));

export const neg = unary("neg");
export const abs = unary("abs");
export const exp = unary("exp");
export const log = unary("log");
export const sqrt = unary("sqrt");
export const sin = unary("sin");
export const cos = unary("cos");
export const tanh = unary("tanh");
export const sigmoid = unary("sigmoid");
export const erf = unary("erf");
export const normalCdf = unary("normalCdf");
export const relu = unary("relu");
export const relu6 = unary("relu6");
export const sign = unary("sign");
export const floor = unary("floor");
export const gelu = unary("gelu");
export const quickGelu = unary("quickGelu");
export const silu = unary("silu");
export const hardSigmoid = unary("hardSigmoid");
export const hardSwish = unary("hardSwish");
export const not = unary("not");
export const stopGradient = unary("stopGradient");

/** The identity whose gradient is clamped to +-limit. */
export function clampGradient(x: Tensor, limit: number): Tensor {
  return widen(x.graph.apply("clampGradient", [x], { limit }));
}

export function cast(x: Tensor, to: GraphDType): Tensor {
  return x.dtype === to ? x : widen(x.graph.apply("cast", [x], { to }));
}

function lift(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a === "number") {
    if (typeof b === "number") throw new SaccadeError("graph", "an op needs at least one tensor");
    return [scalar(b.graph, a, b.dtype), b];
  }
  return [a, typeof b === "number" ? scalar(a.graph, b, a.dtype) : b];
}

const binary =
  (op: keyof BinaryOps) =>
  (a: Operand, b: Operand): Tensor => {
    const [x, y] = lift(a, b);
    return widen(x.graph.apply(op, [x, y], {}));
  };

export const add = binary("add");
export const sub = binary("sub");
export const mul = binary("mul");
export const div = binary("div");
export const pow = binary("pow");
export const maximum = binary("maximum");
export const minimum = binary("minimum");
export const equal = binary("equal");
export const less = binary("less");
export const lessOrEqual = binary("lessOrEqual");
export const greater = binary("greater");
export const greaterOrEqual = binary("greaterOrEqual");
export const and = binary("and");
export const or = binary("or");

/** condition ? a : b, broadcast. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] =
    typeof a === "number" && typeof b === "number"
      ? [scalar(condition.graph, a), scalar(condition.graph, b)]
      : lift(a, b);
  return widen(condition.graph.apply("where", [condition, x, y], {}));
}

// --- products, normalisation, reduction ------------------------------------------------------------------------------------------

/** (…, M, K) x (…, K, N) with broadcast leading dimensions. */
export function matMul(a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor {
  return widen(
    a.graph.apply("matMul", [a, b], {
      transposeA: options.transposeA ?? false,
      transposeB: options.transposeB ?? false,
    }),
  );
}

/** (M, K) x (K, N) [+ (N)]. */
export function gemm(
  a: Tensor,
  b: Tensor,
  bias?: Tensor,
  options: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor {
  return widen(
    a.graph.apply("gemm", bias === undefined ? [a, b] : [a, b, bias], {
      transposeA: options.transposeA ?? false,
      transposeB: options.transposeB ?? false,
    }),
  );
}

export function softmax(x: Tensor, axis = -1): Tensor {
  return widen(x.graph.apply("softmax", [x], { axis: fromFront(x, axis) }));
}

export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return widen(x.graph.apply("logSoftmax", [x], { axis: fromFront(x, axis) }));
}

/** Over the last axis: (x - mean) / sqrt(variance + epsilon) * scale [+ bias]. */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor | undefined, epsilon: number): Tensor {
  return widen(x.graph.apply("layerNorm", bias === undefined ? [x, scale] : [x, scale, bias], { epsilon }));
}

/** Over the last axis: 1 / sqrt(variance + epsilon), the axis kept as 1. */
export function inverseDeviation(x: Tensor, epsilon: number): Tensor {
  return widen(x.graph.apply("inverseDeviation", [x], { epsilon }));
}

/** Per channel. `ofBatch`: mean and variance are those of `x` itself, see NormalizationOps. */
export function batchNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon: number,
  { ofBatch = false }: { readonly ofBatch?: boolean } = {},
): Tensor {
  return widen(x.graph.apply("batchNorm", [x, scale, bias, mean, variance], { epsilon, ofBatch }));
}

const reduction =
  (op: "reduceSum" | "reduceMean" | "reduceMax") =>
  (x: Tensor, axes: number | readonly number[], options: { keepDims?: boolean } = {}): Tensor => {
    const list = (typeof axes === "number" ? [axes] : axes).map((axis) => fromFront(x, axis)).sort((a, b) => a - b);
    return widen(x.graph.apply(op, [x], { axes: list, keepDims: options.keepDims ?? false }));
  };

export const reduceSum = reduction("reduceSum");
export const reduceMean = reduction("reduceMean");
export const reduceMax = reduction("reduceMax");

export function argMax(x: Tensor, axis: number, options: { keepDims?: boolean } = {}): Tensor {
  return widen(x.graph.apply("argMax", [x], { axis: fromFront(x, axis), keepDims: options.keepDims ?? false }));
}

// --- layout ----------------------------------------------------------------------------------------------------------------------

function fromFront(x: Tensor, axis: number): number {
  return axis < 0 ? axis + x.shape.length : axis;
}

/** One size may be -1: whatever is left. */
export function reshape(x: Tensor, shape: readonly Dim[]): Tensor {
  const known = shape.filter((d) => d !== -1).map(dim);
  const at = shape.indexOf(-1);
  let target: Shape = shape.map((d) => (d === -1 ? -1 : dim(d)));
  if (at >= 0) {
    const left = divideDims(sizeOf(x.shape), multiplyDims(1, ...known));
    // An undivided size is left as it is: the shape rule then refuses with the op's own message.
    target = target.map((d, i) => (i === at ? (left ?? sizeOf(x.shape)) : d));
  }
  if (shapesEqual(target, x.shape)) return x;
  // A reshape of a reshape is one reshape, or none when it leads back.
  if (isOp(x, "reshape")) return reshape(x.inputs[0]!, target);
  return widen(x.graph.apply("reshape", [x], { shape: target }));
}

/** Keeps everything but a new axis of size 1. */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.shape.length + 1 : axis;
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (permutation.every((axis, i) => axis === i) && permutation.length === x.shape.length) return x;
  // A transpose of a transpose is one transpose, or none when it leads back.
  if (isOp(x, "transpose") && permutation.length === x.shape.length) {
    const { permutation: first } = x.attributes;
    return transpose(
      x.inputs[0]!,
      permutation.map((axis) => first[axis]!),
    );
  }
  return widen(x.graph.apply("transpose", [x], { permutation }));
}

/** start:end (default: to the end) along one axis. */
export function slice(x: Tensor, axis: number, start: number, end = Number.POSITIVE_INFINITY, step = 1): Tensor {
  return widen(
    x.graph.apply("slice", [x], { axes: [fromFront(x, axis)], starts: [start], ends: [end], steps: [step] }),
  );
}

/** Consecutive pieces along one axis, of the given sizes. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return slice(x, axis, start - size, start);
  });
}

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0];
  if (first === undefined) throw new SaccadeError("graph", "concat needs at least one tensor");
  if (tensors.length === 1) return first;
  // A copy: a caller may go on filling its list.
  return widen(first.graph.apply("concat", [...tensors], { axis: fromFront(first, axis) }));
}

/** One pair of paddings a dimension. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  return [...before, ...after].every((n) => n === 0) ? x : widen(x.graph.apply("pad", [x], { before, after, value }));
}

/** Broadcast to a shape. */
export function expand(x: Tensor, shape: readonly Dim[]): Tensor {
  const target = shape.map(dim);
  return shapesEqual(target, x.shape) ? x : widen(x.graph.apply("expand", [x], { shape: target }));
}

/** Indices (any shape) replace `axis`. */
export function gather(data: Tensor, indices: Tensor, axis: number): Tensor {
  return widen(data.graph.apply("gather", [data, indices], { axis: fromFront(data, axis) }));
}

export function gatherElements(data: Tensor, indices: Tensor, axis: number): Tensor {
  return widen(data.graph.apply("gatherElements", [data, indices], { axis: fromFront(data, axis) }));
}

/** base with updates added at indices along `axis`; duplicates add up. */
export function scatterAdd(base: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  return widen(base.graph.apply("scatterAdd", [base, indices, updates], { axis: fromFront(base, axis) }));
}

/** Where the `k` largest values along an axis are, int64 in the shape of x with `k` on that axis; the largest first. */
export function topK(x: Tensor, k: Dim, axis = -1): Tensor {
  return widen(x.graph.apply("topK", [x], { axis: fromFront(x, axis), k: dim(k) }));
}

/** The first `count` (int64 scalar, at most the axis' size) entries along an axis, whose new size is called `size`. */
export function takeFirst(x: Tensor, count: Tensor, axis: number, size: string): Tensor {
  return widen(x.graph.apply("takeFirst", [x, count], { axis: fromFront(x, axis), size }));
}

/** Which of boxes (N, Q, 4) stay by scores (N, C, Q), bool (N, C, Q); the rule is said at the op. Default: no threshold of scores, no limit. */
export function nonMaxSuppression(
  boxes: Tensor,
  scores: Tensor,
  options: Pick<IndexOps["nonMaxSuppression"], "iouThreshold"> & Partial<IndexOps["nonMaxSuppression"]>,
): Tensor {
  const attributes = { scoreThreshold: Number.NEGATIVE_INFINITY, limit: Number.POSITIVE_INFINITY, ...options };
  return widen(boxes.graph.apply("nonMaxSuppression", [boxes, scores], attributes));
}

// --- spatial ---------------------------------------------------------------------------------------------------------------------

export interface ConvOptions {
  strides?: readonly number[];
  /** The same padding on both sides; or padsBefore and padsAfter. */
  padding?: readonly number[];
  padsBefore?: readonly number[];
  padsAfter?: readonly number[];
  dilations?: readonly number[];
  groups?: number;
}

function windowAttributes(rank: number, options: ConvOptions) {
  const filled = (value: number) => new Array<number>(rank).fill(value);
  return {
    strides: options.strides ?? filled(1),
    padsBefore: options.padsBefore ?? options.padding ?? filled(0),
    padsAfter: options.padsAfter ?? options.padding ?? filled(0),
  };
}

/** x (N, C, …), weight (O, C / groups, …). */
export function conv(x: Tensor, weight: Tensor, bias: Tensor | undefined, options: ConvOptions = {}): Tensor {
  const rank = x.shape.length - 2;
  return widen(
    x.graph.apply("conv", bias === undefined ? [x, weight] : [x, weight, bias], {
      ...windowAttributes(rank, options),
      dilations: options.dilations ?? new Array<number>(rank).fill(1),
      groups: options.groups ?? 1,
    }),
  );
}

/** The adjoint of conv: x (N, C, …), weight (C, O / groups, …). */
export function convTranspose(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: ConvOptions & { outputPadding?: readonly number[] } = {},
): Tensor {
  const rank = x.shape.length - 2;
  return widen(
    x.graph.apply("convTranspose", bias === undefined ? [x, weight] : [x, weight, bias], {
      ...windowAttributes(rank, options),
      dilations: options.dilations ?? new Array<number>(rank).fill(1),
      outputPadding: options.outputPadding ?? new Array<number>(rank).fill(0),
      groups: options.groups ?? 1,
    }),
  );
}

export function maxPool(x: Tensor, kernel: readonly number[], options: ConvOptions = {}): Tensor {
  return widen(x.graph.apply("maxPool", [x], { kernel, ...windowAttributes(kernel.length, options) }));
}

export function averagePool(
  x: Tensor,
  kernel: readonly number[],
  options: ConvOptions & { countIncludesPadding?: boolean } = {},
): Tensor {
  return widen(
    x.graph.apply("averagePool", [x], {
      kernel,
      ...windowAttributes(kernel.length, options),
      countIncludesPadding: options.countIncludesPadding ?? true,
    }),
  );
}

/** How maps are read between cells; what each means is said at the op. */
export type GridSampleOptions = Pick<SpatialOps["gridSample"], "padding"> & Partial<SpatialOps["gridSample"]>;

/** features (N, C, [D,] H, W) at grid (N, …, 2 or 3), positions (x, y[, z]) in -1..1. Default: linear, corners not aligned. */
export function gridSample(features: Tensor, grid: Tensor, options: GridSampleOptions): Tensor {
  const attributes = { mode: "linear", alignCorners: false, ...options } as const;
  return widen(features.graph.apply("gridSample", [features, grid], attributes));
}

export function resize(
  x: Tensor,
  sizes: readonly Dim[],
  mode: SpatialOps["resize"]["mode"],
  alignCorners = false,
): Tensor {
  return widen(x.graph.apply("resize", [x], { sizes: sizes.map(dim), mode, alignCorners }));
}
