import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../errors.ts";
import { elementCount, type TensorData } from "../tensor.ts";
import { concatTensors, joinFeeds, splitOutputs, splitTensor } from "./batching.ts";

const counted = (shape: readonly number[], from = 0): TensorData => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: elementCount(shape) }, (_, at) => from + at),
});

describe("tensors", () => {
  test("join along the first and along the last axis", () => {
    const [a, b] = [counted([1, 2]), counted([2, 2], 10)];
    expect(concatTensors([a, b])).toEqual({
      dtype: "float32",
      shape: [3, 2],
      data: Float32Array.of(0, 1, 10, 11, 12, 13),
    });
    expect(concatTensors([counted([2, 1]), counted([2, 2], 10)], 1).data).toEqual(
      Float32Array.of(0, 10, 11, 1, 12, 13),
    );
    expect(concatTensors([a])).toBe(a);
  });

  test("split undoes join, for any shapes and axes", () => {
    const cases = fc.record({
      before: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
      sizes: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
      after: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(cases, ({ before, sizes, after }) => {
        const parts = sizes.map((size, at) => counted([...before, size, ...after], at * 1000));
        const axis = before.length;
        expect(splitTensor(concatTensors(parts, axis), sizes, axis)).toEqual(parts);
      }),
    );
  });

  test("int64 too, and views along axis 0", () => {
    const ids: TensorData = { dtype: "int64", shape: [3], data: BigInt64Array.of(1n, 2n, 3n) };
    const [first, rest] = splitTensor(concatTensors([ids, ids]), [1, 5]);
    expect(first?.data).toEqual(BigInt64Array.of(1n));
    expect(rest?.data.buffer).toBe(first?.data.buffer);
  });

  test("what does not fit is an error", () => {
    expect(() => concatTensors([])).toThrow(ShapeError);
    expect(() => concatTensors([counted([1, 2]), counted([1, 3])])).toThrow(/float32\[1, 2\], float32\[1, 3\]/);
    expect(() => concatTensors([counted([1]), counted([1, 1])])).toThrow(/number of dimensions/);
    expect(() => concatTensors([counted([]), counted([])])).toThrow(/no axis 0/);
    const bytes: TensorData = { dtype: "uint8", shape: [1, 2], data: new Uint8Array(2) };
    expect(() => concatTensors([counted([1, 2]), bytes])).toThrow(/same dtype/);
    expect(() => splitTensor(counted([3]), [1, 1])).toThrow(/1 \+ 1 = 2/);
  });
});

describe("requests", () => {
  test("join into one batch and come apart again", () => {
    const one = { image: counted([1, 2]), size: counted([1]) };
    const two = { image: counted([2, 2], 10), size: counted([2], 5) };
    const batch = joinFeeds([one, two]);
    expect(batch.sizes).toEqual([1, 2]);
    expect(batch.feeds.image?.shape).toEqual([3, 2]);
    expect(splitOutputs(batch.feeds, batch.sizes)).toEqual([one, two]);
  });

  test("must bring the same inputs with as many rows each", () => {
    expect(() => joinFeeds([])).toThrow(ShapeError);
    expect(() => joinFeeds([{ a: counted([1]), b: counted([2]) }])).toThrow(/same number of rows/);
    expect(() => joinFeeds([{ a: counted([1]) }, { b: counted([1]) }])).toThrow(/inputs a /);
    expect(() => joinFeeds([{ a: counted([1]) }, { a: counted([1]), b: counted([1]) }])).toThrow(/inputs a /);
  });
});
