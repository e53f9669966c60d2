// Values the interpreter computes with, and the index arithmetic that its kernels share. Floats are float64 whatever the graph says,
// integers keep their own width.
import { SaccadeError } from "../../errors.ts";
import { elementCount, numberToHalf, type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import type { Dim } from "../dimensions.ts";
import type { GraphDType, Op, OpAttributes } from "../ops.ts";
import type { Tensor } from "../tensor.ts";

export type Numbers = Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** A concrete tensor inside the interpreter; row-major. */
export interface Value {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
  readonly data: Numbers;
}

/** What a kernel may ask about the run it is part of. */
export interface Run {
  readonly node: Tensor;
  /** The number that a size stands for in this run. */
  size(dim: Dim): number;
  /** States what a named size is that no input has: what was computed decided it. */
  define(name: string, size: number): void;
  input(name: string): Value;
  parameter(name: string): Value;
}

/** Computes one op. Kernels find out their result's shape themselves, so that it can be checked against the symbolic one. */
export type Kernel<O extends Op> = (inputs: readonly Value[], attributes: OpAttributes[O], run: Run) => Value;
export type Kernels<Ops extends Op> = { readonly [O in Ops]: Kernel<O> };

export function isFloat(dtype: GraphDType): boolean {
  return dtype === "float32" || dtype === "float16";
}

/** A zero-filled array for a dtype. */
export function reserve(dtype: GraphDType, length: number): Numbers {
  switch (dtype) {
    case "float32":
    case "float16":
      return new Float64Array(length);
    case "int64":
      return new BigInt64Array(length);
    case "int32":
      return new Int32Array(length);
    case "int8":
      return new Int8Array(length);
    case "uint8":
    case "bool":
      return new Uint8Array(length);
  }
}

export function floatValue(shape: readonly number[], data: Float64Array, dtype: GraphDType = "float32"): Value {
  return { dtype, shape, data };
}

/** The elements of a float value. */
export function floats(value: Value): Float64Array {
  if (value.data instanceof Float64Array) return value.data;
  throw new SaccadeError("graph", `expected floats, got ${value.dtype}`);
}

/** The elements as JavaScript numbers; meant for indices and conditions. */
export function plainNumbers(value: Value): ArrayLike<number> {
  return value.data instanceof BigInt64Array ? Float64Array.from(value.data, Number) : value.data;
}

/** An integer wrapped into a dtype's range, stored at a position. */
export function storeInteger(data: Numbers, at: number, dtype: GraphDType, value: bigint): void {
  if (data instanceof BigInt64Array) data[at] = BigInt.asIntN(64, value);
  else if (dtype === "int32") data[at] = Number(BigInt.asIntN(32, value));
  else if (dtype === "int8") data[at] = Number(BigInt.asIntN(8, value));
  else data[at] = Number(BigInt.asUintN(8, value));
}

/** A fed tensor as the interpreter keeps it. float64 data may stand for float32. */
export function fromTensorData(value: TensorData, dtype: GraphDType, what: string): Value {
  if (value.dtype !== dtype && !(isFloat(dtype) && ["float64", "float32", "float16"].includes(value.dtype)))
    throw new SaccadeError("graph", `${what} must be ${dtype}, got ${value.dtype}`);
  return { dtype, shape: value.shape, data: isFloat(dtype) ? toFloat64(value) : (value.data as Numbers) };
}

/** A result as callers know it: float32 (or float64 when asked for), everything else in its own dtype. */
export function toTensorData({ dtype, shape, data }: Value, precision: "float32" | "float64"): TensorData {
  switch (dtype) {
    case "float32":
    case "float16":
      if (precision === "float64") return tensor("float64", shape, Float64Array.from(data as Float64Array));
      if (dtype === "float32") return tensor("float32", shape, Float32Array.from(data as Float64Array));
      return tensor("float16", shape, Uint16Array.from(data as Float64Array, numberToHalf));
    case "int64":
      return tensor("int64", shape, BigInt64Array.from(data as BigInt64Array));
    case "int32":
      return tensor("int32", shape, Int32Array.from(data as Int32Array));
    case "int8":
      return tensor("int8", shape, Int8Array.from(data as Int8Array));
    case "uint8":
    case "bool":
      return tensor(dtype, shape, Uint8Array.from(data as Uint8Array));
  }
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** For each element of `shape` in order, `start` + the dot product of its coordinates with `strides`. */
export function walk(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  const positions = new Int32Array(elementCount(shape));
  if (positions.length === 0) return positions;
  positions[0] = start;
  // Axis by axis from the back: a block of known positions is repeated, each copy one stride further.
  let known = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const stride = strides[axis]!;
    const length = known * shape[axis]!;
    for (let i = known; i < length; i++) positions[i] = positions[i - known]! + stride;
    known = length;
  }
  return positions;
}

/** Strides that read `shape` as if it were broadcast to `target`. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(shape);
  return target.map((_, i) => {
    const at = i - (target.length - shape.length);
    return at < 0 || shape[at] === 1 ? 0 : own[at]!;
  });
}

export function broadcastShape(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    let size = 1;
    for (const shape of shapes) {
      const next = shape[i - (rank - shape.length)] ?? 1;
      if (next === 1 || next === size) continue;
      if (size !== 1) throw new SaccadeError("graph", `sizes ${size} and ${next} do not broadcast`);
      size = next;
    }
    return size;
  });
}

/** out[i] = source[positions[i]] */
export function pick(source: Numbers, positions: Int32Array, dtype: GraphDType): Numbers {
  const out = reserve(dtype, positions.length);
  copy(source, positions, out, undefined);
  return out;
}

/** target[to[i]] = source[from[i]]; an undefined list stands for 0, 1, 2, … */
export function copy(source: Numbers, from: Int32Array | undefined, target: Numbers, to: Int32Array | undefined): void {
  if (source.constructor !== target.constructor) throw new SaccadeError("graph", "copy between different dtypes");
  // Both are of one class, so reading and writing as that class is safe; the union cannot say so.
  const read = source as Float64Array;
  const write = target as Float64Array;
  const count = from?.length ?? to?.length ?? read.length;
  for (let i = 0; i < count; i++) write[to === undefined ? i : to[i]!] = read[from === undefined ? i : from[i]!]!;
}

export function axisFromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** The product of sizes before an axis, the axis' size, and the product after it. */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): { axis: number; outer: number; size: number; inner: number } {
  const at = axisFromFront(axis, shape.length);
  return {
    axis: at,
    outer: elementCount(shape.slice(0, at)),
    size: shape[at]!,
    inner: elementCount(shape.slice(at + 1)),
  };
}
