// The closed set of ops: every op's attributes, in one table. What an op means is said by tables keyed by the same names
// (shape-rules/, interpreter/, gradients, onnx/lowering), so an op without a rule is a type error. Every op has exactly one output.
import type { TensorData } from "../tensor.ts";
import type { Dim, Shape } from "./dimensions.ts";

/** Element types a graph computes with. */
export type GraphDType = "float32" | "float16" | "int64" | "int32" | "uint8" | "int8" | "bool";

type None = Record<never, never>;

/** No inputs: where values come from. */
export interface SourceOps {
  /** A value fed at every run. */
  input: { name: string; shape: Shape; dtype: GraphDType };
  /** A named weight; its value comes from a checkpoint. */
  parameter: { name: string; shape: readonly number[]; dtype: GraphDType };
  /** A value known now. */
  constant: { value: TensorData };
  /** A dimension's value as an int64 scalar. */
  size: { dim: Dim };
  /** 0, 1, …, length - 1. */
  iota: { length: Dim; dtype: "float32" | "int64" };
}

export interface UnaryOps {
  neg: None;
  abs: None;
  exp: None;
  log: None;
  sqrt: None;
  sin: None;
  cos: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  /** The normal distribution function, (1 + erf(x / sqrt 2)) / 2. */
  normalCdf: None;
  relu: None;
  /** min(max(x, 0), 6) */
  relu6: None;
  sign: None;
  floor: None;
  /** Exact: x * (1 + erf(x / sqrt 2)) / 2. */
  gelu: None;
  /** x * sigmoid(1.702 x), as in CLIP. */
  quickGelu: None;
  /** x * sigmoid(x), also called swish. */
  silu: None;
  /** min(max(x + 3, 0), 6) / 6. */
  hardSigmoid: None;
  /** x * hardSigmoid(x). */
  hardSwish: None;
  not: None;
  cast: { to: GraphDType };
  /** The identity; its gradient is zero. */
  stopGradient: None;
  /** The identity; its gradient is clamped to +-limit, element by element (SparseFormer's restriction of sampling points to local moves). */
  clampGradient: { limit: number };
}

export interface BinaryOps {
  add: None;
  sub: None;
  mul: None;
  div: None;
  pow: None;
  maximum: None;
  minimum: None;
  equal: None;
  less: None;
  lessOrEqual: None;
  greater: None;
  greaterOrEqual: None;
  and: None;
  or: None;
}

export interface LinearOps {
  /** (…, M, K) x (…, K, N), leading dimensions broadcast. The transposes concern the last two dimensions. */
  matMul: { transposeA: boolean; transposeB: boolean };
  /** (M, K) x (K, N) [+ (N)]: the 2-D product with a bias that engines have their best kernel for. */
  gemm: { transposeA: boolean; transposeB: boolean };
}

export interface NormalizationOps {
  softmax: { axis: number };
  logSoftmax: { axis: number };
  /** x, scale[, bias]: over the last axis, biased variance, epsilon inside the root. */
  layerNorm: { epsilon: number };
  /** 1 / sqrt(variance + epsilon) over the last axis, which stays as 1: by what layerNorm of the same x multiplies. */
  inverseDeviation: { epsilon: number };
  /**
   * x, scale, bias, mean, variance: per channel (axis 1). `ofBatch`: mean and (biased) variance are those of this x, so the gradient towards x goes
   * through them, and none goes to them.
   */
  batchNorm: { epsilon: number; ofBatch: boolean };
}

export interface ReductionOps {
  reduceSum: { axes: readonly number[]; keepDims: boolean };
  reduceMean: { axes: readonly number[]; keepDims: boolean };
  reduceMax: { axes: readonly number[]; keepDims: boolean };
  /** First index of the largest value, int64. */
  argMax: { axis: number; keepDims: boolean };
}

export interface LayoutOps {
  reshape: { shape: Shape };
  transpose: { permutation: readonly number[] };
  /** Python-like slices, one entry an axis in `axes`. `ends` may be Infinity. Steps are positive. */
  slice: { axes: readonly number[]; starts: readonly number[]; ends: readonly number[]; steps: readonly number[] };
  concat: { axis: number };
  pad: { before: readonly number[]; after: readonly number[]; value: number };
  /** Broadcast to a shape. */
  expand: { shape: Shape };
  /** condition, then, else; all broadcast. */
  where: None;
}

export interface IndexOps {
  /** data, indices (int64, any shape): indices replace `axis`. */
  gather: { axis: number };
  /** data, indices of the same rank: out[i][j] = data[indices[i][j]][j] for axis 0. */
  gatherElements: { axis: number };
  /** base, indices, updates of the same rank: the adjoint of gatherElements; duplicates add up. */
  scatterAdd: { axis: number };
  /** Where the `k` largest values along an axis are, int64: the largest first, of equal ones the lower index first. `k` = the axis' size sorts. */
  topK: { axis: number; k: Dim };
  /**
   * x, count (int64 scalar): the first `count` entries along an axis. How many they are is known only when the graph runs, so the new size has a
   * name, `size`; what is cut to one name is cut by one count.
   */
  takeFirst: { axis: number; size: string };
  /**
   * boxes (N, Q, 4), two opposite corners (x, y), scores (N, C, Q), float32: which boxes stay, bool (N, C, Q). In each picture and class the boxes come by their score, of
   * equal ones the lower index first. One stays whose score is above `scoreThreshold` (-Infinity: none) and whose intersection over union with none of
   * those that stayed is above `iouThreshold`, until `limit` (Infinity: none) of them stayed.
   */
  nonMaxSuppression: { iouThreshold: number; scoreThreshold: number; limit: number };
}

/** Spatial ops take (N, C, …) with two or three spatial dimensions; every list has one entry a spatial dimension. */
export interface SpatialOps {
  /** x, weight (O, C / groups, …)[, bias]. */
  conv: {
    strides: readonly number[];
    padsBefore: readonly number[];
    padsAfter: readonly number[];
    dilations: readonly number[];
    groups: number;
  };
  /** x, weight (C, O / groups, …)[, bias]: the adjoint of conv. */
  convTranspose: {
    strides: readonly number[];
    padsBefore: readonly number[];
    padsAfter: readonly number[];
    dilations: readonly number[];
    outputPadding: readonly number[];
    groups: number;
  };
  maxPool: {
    kernel: readonly number[];
    strides: readonly number[];
    padsBefore: readonly number[];
    padsAfter: readonly number[];
  };
  averagePool: {
    kernel: readonly number[];
    strides: readonly number[];
    padsBefore: readonly number[];
    padsAfter: readonly number[];
    countIncludesPadding: boolean;
  };
  /**
   * features (N, C, [D,] H, W), grid (N, …, 2 or 3) of (x, y[, z]) in -1..1, as PyTorch's grid_sample: what lies between cells is linear (bi- or
   * trilinear), cubic (pictures only, a = -0.75) or the nearest cell (half to even); -1 and 1 are the outer edges of the first and last cell or,
   * with `alignCorners`, their centres. What is beyond the map is zero, its border, or its reflection: about the edges, or about those centres.
   */
  gridSample: {
    mode: "linear" | "cubic" | "nearest";
    padding: "zeros" | "border" | "reflection";
    alignCorners: boolean;
  };
  /** To given spatial sizes. cubic uses a = -0.75 (PyTorch's). */
  resize: { sizes: readonly Dim[]; mode: "linear" | "cubic" | "nearest"; alignCorners: boolean };
}

/** Every op and its attributes. */
export interface OpAttributes
  extends SourceOps,
    UnaryOps,
    BinaryOps,
    LinearOps,
    NormalizationOps,
    ReductionOps,
    LayoutOps,
    IndexOps,
    SpatialOps {}

export type Op = keyof OpAttributes;
