// Kernels that move values without computing: layout and indexing.
import { SaccadeError } from "../../errors.ts";
import { elementCount } from "../../tensor.ts";
import { withSize } from "../dimensions.ts";
import type { IndexOps, LayoutOps } from "../ops.ts";
import {
  aroundAxis,
  axisFromFront,
  broadcastShape,
  broadcastStrides,
  copy,
  type Kernels,
  pick,
  plainNumbers,
  reserve,
  storeInteger,
  stridesOf,
  type Value,
  walk,
} from "./value.ts";

export const layoutKernels: Kernels<keyof LayoutOps> = {
  reshape: ([x], { shape }, run) => ({ ...x!, shape: shape.map((d) => run.size(d)) }),
  transpose: ([x], { permutation }) => {
    const { dtype, data } = x!;
    const own = stridesOf(x!.shape);
    const shape = permutation.map((axis) => x!.shape[axis]!);
    const strides = permutation.map((axis) => own[axis]!);
    return { dtype, shape, data: pick(data, walk(shape, strides), dtype) };
  },
  slice: ([x], { axes, starts, ends, steps }) => {
    const { dtype, data } = x!;
    const shape = [...x!.shape];
    const strides = stridesOf(x!.shape);
    let first = 0;
    axes.forEach((axis, i) => {
      const at = axisFromFront(axis, shape.length);
      const size = shape[at]!;
      const clamp = (position: number) => Math.min(size, Math.max(0, position < 0 ? position + size : position));
      const start = clamp(starts[i]!);
      shape[at] = Math.max(0, Math.ceil((clamp(ends[i]!) - start) / steps[i]!));
      first += start * strides[at]!;
      strides[at]! *= steps[i]!;
    });
    return { dtype, shape, data: pick(data, walk(shape, strides, first), dtype) };
  },
  concat: (inputs, { axis }) => {
    const { dtype, shape: first } = inputs[0]!;
    const at = axisFromFront(axis, first.length);
    const shape = [...first];
    shape[at] = inputs.reduce((total, { shape }) => total + shape[at]!, 0);
    const strides = stridesOf(shape);
    const out = reserve(dtype, elementCount(shape));
    let start = 0;
    for (const input of inputs) {
      copy(input.data, undefined, out, walk(input.shape, strides, start * strides[at]!));
      start += input.shape[at]!;
    }
    return { dtype, shape, data: out };
  },
  pad: ([x], { before, after, value }) => {
    const { dtype, data } = x!;
    const shape = x!.shape.map((size, i) => size + before[i]! + after[i]!);
    const strides = stridesOf(shape);
    const out = reserve(dtype, elementCount(shape));
    if (out instanceof BigInt64Array) out.fill(BigInt(value));
    else out.fill(value);
    const start = strides.reduce((total, stride, i) => total + stride * before[i]!, 0);
    copy(data, undefined, out, walk(x!.shape, strides, start));
    return { dtype, shape, data: out };
  },
  expand: ([x], { shape: target }, run) => {
    const { dtype, data } = x!;
    const shape = broadcastShape(
      x!.shape,
      target.map((d) => run.size(d)),
    );
    return { dtype, shape, data: pick(data, walk(shape, broadcastStrides(x!.shape, shape)), dtype) };
  },
  where: (inputs) => {
    const [condition, a, b] = inputs as [Value, Value, Value];
    const shape = broadcastShape(condition.shape, a.shape, b.shape);
    const chosen = pick(condition.data, walk(shape, broadcastStrides(condition.shape, shape)), "bool");
    const yes = pick(a.data, walk(shape, broadcastStrides(a.shape, shape)), a.dtype);
    const out = pick(b.data, walk(shape, broadcastStrides(b.shape, shape)), b.dtype);
    for (let i = 0; i < out.length; i++) if (chosen[i] !== 0) out[i] = yes[i]!;
    return { dtype: a.dtype, shape, data: out };
  },
};

/** Positions along an axis, checked; negative ones count from the end. */
function indicesOf(value: Value, size: number): ArrayLike<number> {
  return Array.from(plainNumbers(value), (index) => {
    const at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) throw new SaccadeError("graph", `index ${index} is outside 0..${size - 1}`);
    return at;
  });
}

/** For each element of `indices`, the position of the element in `data` that gatherElements reads and scatterAdd writes. */
function elementPositions(data: Value, indices: Value, axis: number): Int32Array {
  const at = axisFromFront(axis, data.shape.length);
  const strides = stridesOf(data.shape);
  const along = indicesOf(indices, data.shape[at]!);
  const others = walk(
    indices.shape,
    strides.map((stride, i) => (i === at ? 0 : stride)),
  );
  return others.map((position, i) => position + along[i]! * strides[at]!);
}

export const indexKernels: Kernels<Exclude<keyof IndexOps, "nonMaxSuppression">> = {
  gather: ([data, indices], { axis }) => {
    const { axis: at, outer, size, inner } = aroundAxis(data!.shape, axis);
    const along = indicesOf(indices!, size);
    const positions = new Int32Array(outer * along.length * inner);
    let next = 0;
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < along.length; k++)
        for (let i = 0; i < inner; i++) positions[next++] = (o * size + along[k]!) * inner + i;
    const { dtype } = data!;
    const shape = [...data!.shape.slice(0, at), ...indices!.shape, ...data!.shape.slice(at + 1)];
    return { dtype, shape, data: pick(data!.data, positions, dtype) };
  },
  gatherElements: ([data, indices], { axis }) => {
    const { dtype } = data!;
    return {
      dtype,
      shape: indices!.shape,
      data: pick(data!.data, elementPositions(data!, indices!, axis), dtype),
    };
  },
  scatterAdd: ([base, indices, updates], { axis }) => {
    const { dtype, shape } = base!;
    const out = base!.data.slice();
    const positions = elementPositions(base!, indices!, axis);
    const { data } = updates!;
    for (let i = 0; i < positions.length; i++) {
      const at = positions[i]!;
      if (out instanceof Float64Array) out[at]! += Number(data[i]!);
      else storeInteger(out, at, dtype, BigInt(out[at]!) + BigInt(data[i]!));
    }
    return { dtype, shape, data: out };
  },
  topK: ([x], { axis, k }, run) => {
    const { axis: at, outer, size, inner } = aroundAxis(x!.shape, axis);
    const count = run.size(k);
    const { data } = x!;
    const out = new BigInt64Array(outer * count * inner);
    for (let line = 0; line < outer * inner; line++) {
      const [row, column] = [Math.floor(line / inner), line % inner];
      const value = (index: number) => data[(row * size + index) * inner + column]!;
      const order = Array.from({ length: size }, (_, index) => index);
      order.sort((a, b) => (value(a) === value(b) ? a - b : value(a) > value(b) ? -1 : 1));
      for (let rank = 0; rank < count; rank++) out[(row * count + rank) * inner + column] = BigInt(order[rank]!);
    }
    return { dtype: "int64", shape: withSize(x!.shape, at, count), data: out };
  },
  takeFirst: ([x, count], { axis, size: name }, run) => {
    const { axis: at, outer, size, inner } = aroundAxis(x!.shape, axis);
    const taken = plainNumbers(count!)[0]!;
    if (taken < 0 || taken > size)
      throw new SaccadeError("graph", `takeFirst: there are no first ${taken} of ${size} entries`);
    run.define(name, taken);
    const out = reserve(x!.dtype, outer * taken * inner);
    const from = walk([outer, taken, inner], [size * inner, inner, 1]);
    copy(x!.data, from, out, undefined);
    return { dtype: x!.dtype, shape: withSize(x!.shape, at, taken), data: out };
  },
};
