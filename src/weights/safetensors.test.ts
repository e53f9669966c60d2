import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError, SaccadeError } from "../errors.ts";
import { allocate, BYTES_PER_ELEMENT, bytesOf, type DType, elementCount, type TensorData } from "../tensor.ts";
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors.ts";

const REFERENCE = resolve(import.meta.dirname, "../../test/goldens/checkpoints/reference.safetensors");

/** A file out of a header's text and some data bytes. */
function file(header: string | object, data = 0, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const f32 = (shape: unknown, start: unknown, end: unknown) => ({ dtype: "F32", shape, data_offsets: [start, end] });

const tensorArbitrary = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(BYTES_PER_ELEMENT) as DType[])),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    seed: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  })
  .map(({ dtype, shape, seed }): TensorData => {
    const data = allocate(dtype, elementCount(shape));
    const bytes = bytesOf(data);
    for (let i = 0; i < bytes.length; i++) bytes[i] = seed[i % seed.length]!;
    return { dtype, shape, data };
  });
const filesArbitrary = fc.record({
  tensors: fc.uniqueArray(
    fc.tuple(
      fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__"),
      tensorArbitrary,
    ),
    { maxLength: 6, selector: ([name]) => name },
  ),
  metadata: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
});

test("metadata that is null is none", () => {
  expect(readSafetensors(file({ __metadata__: null, a: f32([1], 0, 4) }, 4)).metadata).toEqual({});
});

describe("round trip", () => {
  test("random tensors of every dtype come back bit by bit", () => {
    fc.assert(
      fc.property(filesArbitrary, fc.nat(9), ({ tensors, metadata }, shift) => {
        const bytes = writeSafetensors(tensors, metadata);
        // At any alignment in memory, as a slice of a larger download would be.
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
        shifted.set(bytes);
        const read = readSafetensors(shifted);
        expect(read.metadata).toEqual(metadata);
        expect(read.tensors.size).toBe(tensors.length);
        for (const [name, { dtype, shape, data }] of tensors) {
          const back = read.tensors.get(name)!;
          expect([back.dtype, back.shape]).toEqual([dtype, shape]);
          expect(bytesOf(back.data)).toEqual(bytesOf(data));
        }
        expect(writeSafetensors([...tensors].reverse(), metadata)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test("a file of the reference implementation is read, and written again byte for byte", () => {
    const bytes = readFileSync(REFERENCE);
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ format: "pt" });
    expect(tensors.get("b")).toEqual({ dtype: "float32", shape: [2, 3], data: new Float32Array([0, 1, 2, 3, 4, 5]) });
    expect(tensors.get("d")).toEqual({ dtype: "float64", shape: [], data: new Float64Array([2.5]) });
    expect(tensors.get("bool")!.data).toEqual(new Uint8Array([1, 0]));
    expect(Buffer.from(writeSafetensors(tensors, metadata)).equals(bytes)).toBe(true);
  });

  test("NaN keeps its bits", () => {
    const data = new Float32Array(2);
    new Uint32Array(data.buffer).set([0x7fc00001, 0xffa00003]);
    const back = readSafetensors(writeSafetensors([["w", { dtype: "float32", shape: [2], data }]])).tensors.get("w")!;
    expect(bytesOf(back.data)).toEqual(bytesOf(data));
  });

  test("aligned tensors are views, and the header alone is enough to list them", () => {
    const bytes = writeSafetensors([["w", { dtype: "float32", shape: [2], data: new Float32Array([1, 2]) }]]);
    expect(readSafetensors(bytes).tensors.get("w")!.data.buffer).toBe(bytes.buffer);
    const start = bytes.length - 8;
    expect(readSafetensorsHeader(bytes.subarray(0, start), bytes.length)).toEqual({
      entries: [{ name: "w", dtype: "float32", shape: [2], start, end: bytes.length }],
      metadata: {},
    });
    expect(start % 8).toBe(0);
  });

  test("an empty file and a writer's mistakes", () => {
    expect(readSafetensors(writeSafetensors([])).tensors.size).toBe(0);
    const w: TensorData = { dtype: "float32", shape: [2], data: new Float32Array(2) };
    expect(() =>
      writeSafetensors([
        ["a", w],
        ["a", w],
      ]),
    ).toThrow(SaccadeError);
    expect(() => writeSafetensors([["__metadata__", w]])).toThrow(/taken/);
    expect(() => writeSafetensors([["a", { ...w, shape: [3] }]])).toThrow(/another count/);
  });
});

describe("malformed files", () => {
  const valid = file({ a: f32([2], 0, 8), b: f32([1], 8, 12) }, 12);
  const cases: [string, Uint8Array, RegExp][] = [
    ["an empty file", new Uint8Array(0), /truncated/],
    ["a cut length", valid.subarray(0, 7), /truncated/],
    ["a cut header", valid.subarray(0, 20), /the header claims/],
    ["cut data", valid.subarray(0, valid.length - 1), /end at byte/],
    ["bytes behind the data", file({ a: f32([1], 0, 4) }, 5), /end at byte/],
    ["a header of 10 GB", file("{}", 0, 10_000_000_000n), /at most 100000000/],
    ["a header length beyond 2^53", file("{}", 0, 2n ** 63n), /no size can be/],
    ["a header longer than the file", file("{}", 0, 90_000_000n), /but the file has/],
    ["no JSON", file("{nonsense"), /not valid JSON/],
    ["an array", file("[]"), /not a JSON object/],
    ["no UTF-8", file("{}", 1, 3n).fill(0xff, 10), /UTF-8/],
    ["an overlap", file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /overlap/],
    ["a hole", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /hole/],
    ["a hole at the start", file({ a: f32([1], 4, 8) }, 8), /hole/],
    ["a size that is not shape x dtype", file({ a: f32([3], 0, 8) }, 8), /12 bytes, but/],
    ["reversed offsets", file({ a: f32([0], 8, 0) }, 8), /offsets/],
    ["an overflowing shape", file({ a: f32([2 ** 40, 2 ** 40], 0, 8) }, 8), /overflows/],
    ["a negative dimension", file({ a: f32([-1], 0, 4) }, 4), /sizes/],
    ["a fractional dimension", file({ a: f32([1.5], 0, 6) }, 6), /sizes/],
    ["offsets that are no sizes", file({ a: f32([1], "0", 4) }, 4), /data_offsets/],
    ["an unknown dtype", file({ a: { dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] } }, 4), /F8_E4M3/],
    ["too many dimensions", file({ a: f32(new Array(100).fill(1), 0, 4) }, 4), /dimensions/],
    ["metadata that is no text", file({ __metadata__: { a: 1 } }), /__metadata__/],
    ["an entry that is no object", file({ a: 5 }), /not an object/],
    [
      "a name twice, once escaped",
      file(`{"ab":${JSON.stringify(f32([1], 0, 4))},"\\u0061b":${JSON.stringify(f32([1], 0, 4))}}`, 4),
      /"ab" twice/,
    ],
    ["a field twice", file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /twice/],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(FormatError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test("a valid file is not refused for spaces, braces and colons in names", () => {
    const bytes = file({ 'a": {': f32([1], 0, 4), "a:": f32([1], 4, 8), __proto__2: f32([0], 0, 0) }, 8);
    expect([...readSafetensors(bytes).tensors.keys()].sort()).toEqual(["__proto__2", 'a": {', "a:"]);
  });

  test("every truncation throws FormatError", () => {
    for (let length = 0; length < valid.length; length++)
      expect(() => readSafetensors(valid.subarray(0, length))).toThrow(FormatError);
  });

  test("random mutations parse or throw a SaccadeError", () => {
    const reference = readFileSync(REFERENCE);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(reference.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const bytes = new Uint8Array(reference);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            readSafetensors(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(SaccadeError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
