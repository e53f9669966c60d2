// Shapes of ops that move values without computing: reshape, transpose, slice, concat, gather and the like.
import {
  addDims,
  type Dim,
  printShape,
  type Shape,
  shapesEqual,
  sizeOf,
  subtractDims,
  withSize,
} from "../dimensions.ts";
import type { IndexOps, LayoutOps } from "../ops.ts";
import type { Tensor } from "../tensor.ts";
import { numeric } from "./dtypes.ts";
import {
  broadcast,
  normalizeAxis,
  refuse,
  requireCount,
  requireDType,
  requireRank,
  requireSameDType,
  type ShapeRules,
  type Where,
} from "./rule.ts";

export const layoutShapes: ShapeRules<keyof LayoutOps> = {
  reshape: (inputs, { shape }, where) => {
    requireCount(where, inputs, 1);
    if (sizeOf(inputs[0]!.shape) !== sizeOf(shape))
      refuse(where, `cannot become ${printShape(shape)}: the sizes differ`, inputs);
    return { shape, dtype: inputs[0]!.dtype };
  },
  transpose: (inputs, { permutation }, where) => {
    requireCount(where, inputs, 1);
    const { shape, dtype } = inputs[0]!;
    const sorted = [...permutation].sort((a, b) => a - b);
    if (sorted.length !== shape.length || sorted.some((axis, i) => axis !== i))
      refuse(where, `[${permutation.join(", ")}] is not a permutation of its dimensions`, inputs);
    return { shape: permutation.map((axis) => shape[axis]!), dtype };
  },
  slice: (inputs, { axes, starts, ends, steps }, where) => {
    requireCount(where, inputs, 1);
    const shape: Dim[] = [...inputs[0]!.shape];
    axes.forEach((axis, i) => {
      const at = normalizeAxis(where, inputs, axis, shape.length);
      shape[at] = slicedSize(where, inputs, shape[at]!, starts[i]!, ends[i]!, steps[i]!);
    });
    return { shape, dtype: inputs[0]!.dtype };
  },
  concat: (inputs, { axis }, where) => {
    if (inputs.length === 0) refuse(where, "needs at least one input", inputs);
    const dtype = requireSameDType(where, inputs);
    const rank = inputs[0]!.shape.length;
    const at = normalizeAxis(where, inputs, axis, rank);
    const others = (shape: Shape) => shape.filter((_, i) => i !== at);
    for (const input of inputs)
      if (input.shape.length !== rank || !shapesEqual(others(input.shape), others(inputs[0]!.shape)))
        refuse(where, `all dimensions but ${at} must agree`, inputs);
    const size = addDims(...inputs.map((input) => input.shape[at]!));
    return { shape: inputs[0]!.shape.map((d, i) => (i === at ? size : d)), dtype };
  },
  pad: (inputs, { before, after }, where) => {
    requireCount(where, inputs, 1);
    const { shape, dtype } = inputs[0]!;
    if (before.length !== shape.length || after.length !== shape.length)
      refuse(where, "needs one padding a dimension", inputs);
    if ([...before, ...after].some((n) => n < 0))
      refuse(where, "paddings must not be negative (slice instead)", inputs);
    return { shape: shape.map((d, i) => addDims(d, before[i]!, after[i]!)), dtype };
  },
  expand: (inputs, { shape }, where) => {
    requireCount(where, inputs, 1);
    if (!shapesEqual(broadcast(where, inputs, [inputs[0]!.shape, shape]), shape))
      refuse(where, `does not expand to ${printShape(shape)}`, inputs);
    return { shape, dtype: inputs[0]!.dtype };
  },
  where: (inputs, _, where) => {
    requireCount(where, inputs, 3);
    requireDType(where, inputs.slice(0, 1), ["bool"]);
    const dtype = requireSameDType(where, inputs.slice(1));
    return {
      shape: broadcast(
        where,
        inputs,
        inputs.map((input) => input.shape),
      ),
      dtype,
    };
  },
};

/** Length of start:end:step over `size`. Negative positions count from the end; on a symbolic size only what can be shown is allowed. */
function slicedSize(where: Where, inputs: readonly Tensor[], size: Dim, start: number, end: number, step: number): Dim {
  if (!Number.isInteger(step) || step < 1) refuse(where, `step ${step} must be a positive integer`, inputs);
  if (typeof size === "number") {
    const clamp = (position: number) => Math.min(size, Math.max(0, position < 0 ? position + size : position));
    return Math.max(0, Math.ceil((clamp(end) - clamp(start)) / step));
  }
  if (step === 1 && start >= 0 && end === Number.POSITIVE_INFINITY) return subtractDims(size, start);
  if (step === 1 && start >= 0 && end < 0) return subtractDims(size, start - end);
  if (step === 1 && start < 0 && end === Number.POSITIVE_INFINITY) return -start;
  // A fixed window at the start of a free dimension: the caller vouches that the dimension is at least that long.
  if (start >= 0 && end >= start && Number.isFinite(end)) return Math.ceil((end - start) / step);
  return refuse(where, `${start}:${end}:${step} of the free size ${size} has no known length`, inputs);
}

export const indexShapes: ShapeRules<keyof IndexOps> = {
  gather: (inputs, { axis }, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs.slice(1), ["int64", "int32"]);
    const [data, indices] = inputs as [Tensor, Tensor];
    const at = normalizeAxis(where, inputs, axis, data.shape.length);
    return { shape: [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)], dtype: data.dtype };
  },
  gatherElements: (inputs, { axis }, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs.slice(1), ["int64", "int32"]);
    const [data, indices] = inputs as [Tensor, Tensor];
    if (data.shape.length !== indices.shape.length) refuse(where, "data and indices need the same rank", inputs);
    normalizeAxis(where, inputs, axis, data.shape.length);
    return { shape: indices.shape, dtype: data.dtype };
  },
  scatterAdd: (inputs, { axis }, where) => {
    requireCount(where, inputs, 3);
    requireDType(where, inputs.slice(1, 2), ["int64", "int32"]);
    const [base, indices, updates] = inputs as [Tensor, Tensor, Tensor];
    if (!shapesEqual(indices.shape, updates.shape) || base.shape.length !== indices.shape.length)
      refuse(where, "indices and updates need one shape, of the base's rank", inputs);
    normalizeAxis(where, inputs, axis, base.shape.length);
    return { shape: base.shape, dtype: base.dtype };
  },
  topK: (inputs, { axis, k }, where) => {
    requireCount(where, inputs, 1);
    requireDType(where, inputs, numeric);
    const { shape } = inputs[0]!;
    const at = normalizeAxis(where, inputs, axis, shape.length);
    const size = shape[at]!;
    if (typeof k === "number" && (k < 1 || (typeof size === "number" && k > size)))
      refuse(where, `there are no ${k} largest of ${size}`, inputs);
    return { shape: withSize(shape, at, k), dtype: "int64" };
  },
  takeFirst: (inputs, { axis, size }, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs.slice(1), ["int64"]);
    requireRank(where, inputs, 1, 0);
    const { shape, dtype } = inputs[0]!;
    const at = normalizeAxis(where, inputs, axis, shape.length);
    if (!/^[A-Za-z_]\w*$/.test(size)) refuse(where, `"${size}" is not a name for a size`, inputs);
    return { shape: withSize(shape, at, size), dtype };
  },
  nonMaxSuppression: (inputs, { iouThreshold, limit }, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs, ["float32"]);
    requireRank(where, inputs, 0, 3);
    requireRank(where, inputs, 1, 3);
    const [boxes, scores] = inputs as [Tensor, Tensor];
    if (boxes.shape[2] !== 4 || boxes.shape[0] !== scores.shape[0] || boxes.shape[1] !== scores.shape[2])
      refuse(where, "needs boxes (N, Q, 4) and scores (N, C, Q)", inputs);
    if (!(iouThreshold >= 0 && iouThreshold <= 1)) refuse(where, `${iouThreshold} is no share of overlap`, inputs);
    if (!(limit >= 1)) refuse(where, `a limit of ${limit} boxes`, inputs);
    return { shape: scores.shape, dtype: "bool" };
  },
};
