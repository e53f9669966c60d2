import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { numberToHalf, type TensorData, tensor, toFloat32 } from "../tensor.ts";
import { int8RowsMetadata, isInt8Rows, packInt8Rows, unpackInt8Rows } from "./int8-rows.ts";
import { readWeights } from "./load.ts";
import { writeSafetensors } from "./safetensors.ts";

const matrix = (rows: number, width: number, values: readonly number[]) =>
  tensor(
    "float32",
    [rows, width],
    Float32Array.from({ length: rows * width }, (_, i) => values[i % values.length]!),
  );

test("every value is within half a step of its row's 127th", () => {
  const numbers = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 16, max: 40 }), numbers, (rows, width, values) => {
      const original = matrix(rows, width, values);
      const unpacked = unpackInt8Rows(packInt8Rows([["w", original]])).get("w")!;
      expect(unpacked).toMatchObject({ dtype: "float16", shape: [rows, width] });
      const before = toFloat32(original);
      const after = toFloat32(unpacked);
      for (let i = 0; i < before.length; i++) {
        const row = before.subarray(Math.floor(i / width) * width, (Math.floor(i / width) + 1) * width);
        const largest = Math.max(...row.map(Math.abs));
        // Half a step, and what float16 makes of the scale and of the product.
        expect(Math.abs(after[i]! - before[i]!)).toBeLessThanOrEqual(largest * (0.5 / 127 + 2 ** -10) + 1e-5);
      }
    }),
  );
});

test("wide rows give what each product gives by itself", () => {
  const [rows, width] = [3, 700];
  const steps = Int8Array.from({ length: rows * width }, (_, i) => (i % 256) - 128);
  const scales = Uint16Array.from([0.013, 1e-4, 300], numberToHalf);
  const stored = new Map<string, TensorData>([
    ["w", tensor("int8", [rows, width], steps)],
    ["w.int8_scale", tensor("float16", [rows], scales)],
  ]);
  const factors = toFloat32(stored.get("w.int8_scale")!);
  const expected = Uint16Array.from(steps, (step, i) => numberToHalf(step * factors[Math.floor(i / width)]!));
  expect(unpackInt8Rows(stored).get("w")!.data).toEqual(expected);
});

test("short rows, vectors and whole numbers stay as they are", () => {
  const kept: [string, TensorData][] = [
    ["regions", tensor("float32", [9, 4], new Float32Array(36).fill(0.3))],
    ["bias", tensor("float32", [64], new Float32Array(64).fill(0.3))],
    ["token", tensor("float32", [1, 64], new Float32Array(64).fill(0.3))],
    ["ids", tensor("int32", [4, 64], new Int32Array(256))],
  ];
  expect([...packInt8Rows(kept)]).toEqual(kept);
});

describe("files", () => {
  const stored = packInt8Rows([["layer.weight", matrix(3, 16, [0.5, -1, 0.25])]]);

  test("are read as float16 by whoever reads weights", () => {
    const file = writeSafetensors(stored, { format: "pt", ...int8RowsMetadata });
    const { tensors } = readWeights(file);
    expect([...tensors.keys()]).toEqual(["layer.weight"]);
    expect(toFloat32(tensors.get("layer.weight")!)[1]).toBeCloseTo(-1, 3);
  });

  test("without the note in their metadata are what they say: int8", () => {
    expect(readWeights(writeSafetensors(stored)).tensors.get("layer.weight")!.dtype).toBe("int8");
  });

  test("of a later way of storing are refused in words", () => {
    expect(() => isInt8Rows({ "saccade.storage": "int4_blocks" })).toThrow(/int4_blocks.*does not read/);
  });

  test.each([
    ["too few scales", tensor("float16", [2], new Uint16Array(2))],
    ["scales of another kind", tensor("float32", [3], new Float32Array(3))],
  ])("with %s", (_, scale) => {
    const broken = new Map(stored).set("layer.weight.int8_scale", scale);
    expect(() => unpackInt8Rows(broken)).toThrow(FormatError);
  });
});

test("values that eight bits cannot hold are refused", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e8])
    expect(() => packInt8Rows([["w", matrix(2, 16, [value, 1])]])).toThrow(/eight bits/);
});
