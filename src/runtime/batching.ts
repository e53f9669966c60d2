// Many requests, one run: tensors joined along the batch axis, and results cut apart again. Pure functions; who waits for whom is decided
// elsewhere.
import { ShapeError } from "../errors.ts";
import { allocate, type DType, elementCount, type TensorData, type TypedArray } from "../tensor.ts";

const show = (value: TensorData) => `${value.dtype}[${value.shape.join(", ")}]`;

/**
 * Joins tensors along `axis` (default 0). One tensor comes back as it is, without a copy.
 *
 * @throws ShapeError when there is none, or when dtypes, ranks or the other sizes differ
 */
export function concatTensors(parts: readonly TensorData[], axis = 0): TensorData {
  const first = parts[0];
  if (first === undefined) throw new ShapeError("batch", "there is nothing to join", [], "");
  const fail = (problem: string): never => {
    throw new ShapeError("batch", problem, parts.map(show), "");
  };
  if (!Number.isInteger(axis) || axis < 0 || axis >= first.shape.length) fail(`there is no axis ${axis}`);
  for (const part of parts) {
    if (part.dtype !== first.dtype) fail("all tensors need the same dtype");
    if (part.shape.length !== first.shape.length) fail("all tensors need the same number of dimensions");
    if (part.shape.some((size, at) => at !== axis && size !== first.shape[at]))
      fail(`all sizes but that of axis ${axis} must be equal`);
  }
  if (parts.length === 1) return first;
  const shape = first.shape.map((size, at) =>
    at === axis ? parts.reduce((sum, part) => sum + part.shape[axis]!, 0) : size,
  );
  const data = allocate(first.dtype, elementCount(shape));
  const outer = elementCount(shape.slice(0, axis));
  const rowLength = elementCount(shape.slice(axis));
  let offset = 0; // where this part begins inside every outer row
  for (const part of parts) {
    const length = elementCount(part.shape.slice(axis));
    for (let row = 0; row < outer; row++)
      copyInto(data, row * rowLength + offset, part.data, row * length, (row + 1) * length);
    offset += length;
  }
  return { dtype: first.dtype, shape, data } as TensorData;
}

/**
 * Cuts a tensor along `axis` (default 0) into pieces of the given sizes. Along axis 0 the pieces are views of the same memory, along others
 * they are copies.
 *
 * @throws ShapeError when the sizes do not add up to that of the axis
 */
export function splitTensor(value: TensorData, sizes: readonly number[], axis = 0): TensorData[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (value.shape[axis] !== total)
    throw new ShapeError("batch", `axis ${axis} cannot be cut into ${sizes.join(" + ")} = ${total}`, [show(value)], "");
  const outer = elementCount(value.shape.slice(0, axis));
  const inner = elementCount(value.shape.slice(axis + 1));
  let begin = 0;
  return sizes.map((size) => {
    const shape = value.shape.map((whole, at) => (at === axis ? size : whole));
    const length = size * inner;
    const start = begin * inner;
    begin += size;
    if (axis === 0) return withData(value.dtype, shape, value.data.subarray(start, start + length));
    const data = allocate(value.dtype, outer * length);
    for (let row = 0; row < outer; row++) {
      const from = row * total * inner + start;
      copyInto(data, row * length, value.data, from, from + length);
    }
    return withData(value.dtype, shape, data);
  });
}

/** A joined batch and how many rows each request brought. */
export interface Batch {
  readonly feeds: Record<string, TensorData>;
  readonly sizes: readonly number[];
}

/**
 * Joins the feeds of several requests along axis 0. Every request brings the same inputs, and the same number of rows in each of them.
 *
 * @throws ShapeError when the requests do not fit together
 */
export function joinFeeds(requests: readonly Readonly<Record<string, TensorData>>[]): Batch {
  const names = Object.keys(requests[0] ?? {});
  if (names.length === 0) throw new ShapeError("batch", "there is nothing to join", [], "");
  const sizes = requests.map((feeds) => {
    const rows = feeds[names[0]!]?.shape[0];
    const same = names.every((name) => feeds[name] !== undefined && feeds[name].shape[0] === rows);
    if (rows === undefined || !same || Object.keys(feeds).length !== names.length)
      throw new ShapeError(
        "batch",
        `every request needs the inputs ${names.join(", ")} with the same number of rows`,
        Object.values(feeds).map(show),
        "",
      );
    return rows;
  });
  const feeds = Object.fromEntries(names.map((name) => [name, concatTensors(requests.map((one) => one[name]!))]));
  return { feeds, sizes };
}

/**
 * Cuts the outputs of a joined batch apart: one record per request, views of the batch's memory (a kept piece keeps the whole batch).
 *
 * @throws ShapeError when an output's first axis is not the batch
 */
export function splitOutputs(
  outputs: Readonly<Record<string, TensorData>>,
  sizes: readonly number[],
): Record<string, TensorData>[] {
  const pieces = Object.entries(outputs).map(([name, value]) => [name, splitTensor(value, sizes)] as const);
  return sizes.map((_, index) => Object.fromEntries(pieces.map(([name, parts]) => [name, parts[index]!])));
}

function withData<D extends DType>(dtype: D, shape: readonly number[], data: TypedArray): TensorData {
  return { dtype, shape, data } as TensorData;
}

/** `target.set(source.subarray(from, to), at)`; both arrays are of one dtype, which the union of array types cannot express. */
function copyInto(target: TypedArray, at: number, source: TypedArray, from: number, to: number): void {
  (target as Float64Array).set(source.subarray(from, to) as Float64Array, at);
}
