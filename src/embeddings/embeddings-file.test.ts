import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { memoryFiles } from "../data/memory-files.test-helper.ts";
import { FormatError, LimitError, NotFoundError, SaccadeError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { decodeEmbeddings } from "./decode-embeddings.ts";
import type { EmbeddingTable } from "./embedding-table.ts";
import { SPACE_KEY, writeEmbeddings } from "./write-embeddings.ts";

const MAX_BYTES = 2 ** 30;
const SPACE = { id: "0123456789abcdef", model: "a", width: 3 };

function table(rows: number, width = 3, labels?: readonly string[]): EmbeddingTable {
  const numbers = Array.from({ length: rows }, (_, i) => i);
  return {
    width,
    vectors: Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i)),
    paths: numbers.map((i) => `pictures/ü ${i}.jpg`),
    sizes: numbers.map((i) => 1000 + i),
    hashes: numbers.map((i) => i.toString(16).padStart(64, "0")),
    model: "saccade/everyday",
    space: SPACE,
    ...(labels === undefined ? {} : { labels }),
  };
}

const decode = (bytes: Uint8Array, vectors = true, maxBytes = MAX_BYTES) =>
  decodeEmbeddings(memoryFiles({ "e.parquet": bytes }), { path: "e.parquet", vectors, maxBytes });

/** What other tools write: embeddings as lists in whatever packing, columns as they like. */
function foreign(embeddings: readonly unknown[], more: Record<string, unknown[]> = {}, space = JSON.stringify(SPACE)) {
  const columns = {
    path: embeddings.map((_, i) => `${i}.png`),
    size: embeddings.map(() => 7),
    hash: embeddings.map(() => "ab"),
    model: embeddings.map(() => "m"),
    ...more,
  };
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: "embedding", data: [...embeddings] },
      ...Object.entries(columns).map(([name, data]) => ({ name, data })),
    ],
    schema: [
      { name: "root", num_children: 1 + Object.keys(columns).length },
      { name: "embedding", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", type: "DOUBLE", repetition_type: "OPTIONAL" },
      ...Object.keys(columns).map((name) =>
        name === "size"
          ? ({ name, type: "INT32", repetition_type: "OPTIONAL" } as const)
          : ({ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const),
      ),
    ],
    kvMetadata: [{ key: SPACE_KEY, value: space }],
  });
  return new Uint8Array(bytes);
}

describe("embeddings as Parquet", () => {
  test("what is written is read, whatever it is", async () => {
    const rows = fc.record({
      width: fc.integer({ min: 1, max: 5 }),
      texts: fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 12 }),
      labelled: fc.boolean(),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(rows, async ({ width, texts, labelled, seed }) => {
        const written: EmbeddingTable = {
          ...table(texts.length, width),
          paths: texts,
          sizes: texts.map((_, i) => (i % 2 === 0 ? 0 : Number.MAX_SAFE_INTEGER)),
          vectors: new Float32Array(texts.length * width).map((_, i) => Math.fround(Math.sin(seed + i) * 1e3)),
          ...(labelled ? { labels: texts.toReversed() } : {}),
        };
        const { rows, ranges, ...read } = await decode(writeEmbeddings(written));
        expect({ ...read, labels: read.labels ?? null }).toEqual({ ...written, labels: written.labels ?? null });
        expect(rows).toBe(texts.length);
        expect(ranges).toHaveLength(1);
      }),
      { numRuns: 40 },
    );
  });

  test("vectors lie in the file as the ranges say, also in several groups", async () => {
    const written = table(8192 + 5, 2);
    const bytes = writeEmbeddings(written);
    const { ranges, vectors, width } = await decode(bytes, false);
    expect(vectors).toBeUndefined();
    expect(width).toBe(2);
    expect(ranges!.map(({ start, rows }) => [start, rows])).toEqual([
      [0, 8192],
      [8192, 5],
    ]);
    for (const { start, rows, offset } of ranges!)
      expect(new Float32Array(bytes.slice(offset, offset + rows * 8).buffer)).toEqual(
        written.vectors.subarray(start * 2, (start + rows) * 2),
      );
  });

  test("hyparquet, as other readers, finds lists of numbers in plain columns", async () => {
    const bytes = writeEmbeddings(table(2, 3, ["a", "b"]));
    const [, second] = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer });
    expect(second).toMatchObject({ path: "pictures/ü 1.jpg", size: 1001n, model: "saccade/everyday", label: "b" });
    expect(second!.embedding).toEqual([3, 4, 5].map((i) => Math.fround(Math.sin(i))));
  });

  test("what other tools make of it is read too: float64, packed, nullable columns", async () => {
    const { vectors, width, ranges, sizes } = await decode(
      foreign([
        [1, 2],
        [3, 4.5],
      ]),
    );
    expect([...vectors!]).toEqual([1, 2, 3, 4.5]);
    expect([width, ranges, sizes]).toEqual([2, undefined, [7, 7]]);
  });

  test.each([
    ["no rows", foreign([]), /has no rows/],
    ["lists of two lengths", foreign([[1, 2], [3]]), /row 1 has no vector of 2 numbers/],
    ["a missing vector", foreign([[1, 2], null]), /row 1 has no vector/],
    ["an empty vector", foreign([[]]), /vectors have different lengths/],
    ["a hole in a vector", foreign([[1, null]]), /row 0 \(0\.png\) has a number that is not finite/],
    [
      "NaN",
      foreign([
        [1, 2],
        [Number.NaN, 3],
      ]),
      /row 1 \(1\.png\) has a number that is not finite/,
    ],
    ["a missing path", foreign([[1]], { path: [null] }), /row 0 has no text in the column path/],
    ["a negative size", foreign([[1]], { size: [-1] }), /row 0 has no size/],
    ["no space", foreign([[1]], {}, "[]"), /saccade\.space is not a JSON object/],
    ["text where the space is", foreign([[1]], {}, "{"), /saccade\.space is not a JSON object/],
  ])("refuses %s", async (_, bytes, message) => {
    const reading = decode(bytes);
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
  });

  test("NaN is found in plain pages as well", async () => {
    const written = table(3);
    written.vectors[4] = Number.POSITIVE_INFINITY;
    await expect(decode(writeEmbeddings(written))).rejects.toThrow(/row 1 \(pictures\/ü 1\.jpg\) has a number/);
  });

  test("a table of nothing or of unequal columns is not written", () => {
    expect(() => writeEmbeddings(table(0))).toThrow(SaccadeError);
    expect(() => writeEmbeddings({ ...table(2), sizes: [1] })).toThrow(/columns of 2, 2, 1, 2, 2 rows/);
  });

  test("files that are missing, too large or something else are said to be", async () => {
    const bytes = writeEmbeddings(table(2));
    await expect(decode(bytes, true, 100)).rejects.toThrow(LimitError);
    const request = { path: "none.parquet", vectors: true, maxBytes: MAX_BYTES };
    await expect(decodeEmbeddings(memoryFiles({}), request)).rejects.toThrow(NotFoundError);
    await expect(decode(new TextEncoder().encode("path,size\n"))).rejects.toThrow(FormatError);
  });

  test("a file that is cut off or has bytes changed gives data or says why not", async () => {
    const good = writeEmbeddings(table(4, 3, ["a", "b", "a", "b"]));
    for (let length = 0; length < good.length; length += 31)
      await expect(decode(good.slice(0, length))).rejects.toThrow(SaccadeError);
    const random = new RandomSource(1, "damaged embeddings");
    for (let i = 0; i < 150; i++) {
      // What is changed in the strings' pages can keep the decoder busy: that is the thread's affair.
      const bytes = good.slice();
      bytes[good.length - 1 - random.integer(900)] = random.integer(256);
      const outcome = await decode(bytes).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SaccadeError);
    }
  });
});
