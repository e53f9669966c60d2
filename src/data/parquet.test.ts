import { describe, expect, test } from "vitest";
import { FormatError, SaccadeError } from "../errors.ts";
import { loadPicture } from "./files.ts";
import { CORRUPT, decodePicture, memoryFiles } from "./memory-files.test-helper.ts";
import { openDataset } from "./open.ts";
import { RowGroupCache, readParquet } from "./parquet.ts";
import { GZIP_FILE, HUB_FILE, PLAIN_FILE } from "./parquet-files.test-helper.ts";

const ONE = Uint8Array.of(1);
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

describe("Parquet", () => {
  test("the hub's layout: names from the metadata, pictures from {bytes, path}", async () => {
    const files = memoryFiles({ "d/data/train-00000-of-00001.parquet": bytesOf(HUB_FILE) });
    const opened = await openDataset(files, "d", { validationFraction: 0 });
    expect(opened.layout).toBe("Parquet");
    expect(opened.labels).toEqual(["guinea pig", "cat"]);
    const train = opened.train!;
    expect([...train.targets]).toEqual([1, 0, 1, 0]);
    expect(train.problems).toEqual([{ name: "d/data/train-00000-of-00001.parquet#4", reason: "its label is 7" }]);
    const reds: number[] = [];
    for (const i of [3, 0, 1])
      reds.push((await loadPicture((await train.item(i)).picture, files, decodePicture)).data[0]!);
    expect(reds).toEqual([4, 1, 2]);
    await expect(train.item(2)).rejects.toThrow(
      'row 2 of train-00000-of-00001.parquet has no picture bytes in "image"',
    );
  });

  test("plain columns, uncompressed and gzip", async () => {
    const files = memoryFiles({ "a.parquet": bytesOf(PLAIN_FILE), "b.parquet": bytesOf(GZIP_FILE) });
    const plain = (await openDataset(files, "a.parquet", { validationFraction: 0 })).train!;
    expect(plain.labels).toEqual(["cat", "dog"]);
    expect([...plain.targets]).toEqual([1, 0]);
    const gzip = (await openDataset(files, "b.parquet", { validationFraction: 0 })).train!;
    expect(gzip.labels).toEqual(["3", "4"]);
    expect((await loadPicture((await gzip.item(1)).picture, files, decodePicture)).data[2]).toBe(2);
  });

  test("without ranges the file is read once, whole", async () => {
    const { readRange, ...files } = memoryFiles({ "a.parquet": bytesOf(PLAIN_FILE) });
    expect(readRange).toBeDefined();
    const part = await readParquet(files, "a.parquet");
    expect(part.samples).toHaveLength(2);
    expect(files.reads).toEqual(["a.parquet"]);
  });

  test("one damaged file of two is a problem, not the end", async () => {
    const files = memoryFiles({ "d/train-0.parquet": CORRUPT, "d/train-1.parquet": bytesOf(PLAIN_FILE) });
    const { train } = await openDataset(files, "d", { validationFraction: 0 });
    expect(train!.length).toBe(2);
    expect(train!.problems[0]!.name).toBe("d/train-0.parquet");
    await expect(openDataset(memoryFiles({ "x.parquet": CORRUPT }), "x.parquet")).rejects.toThrow(FormatError);
  });

  test("a file that is cut off anywhere fails with a SaccadeError", async () => {
    const good = bytesOf(HUB_FILE);
    for (let length = 0; length < good.length; length += 7)
      await expect(readParquet(memoryFiles({ "x.parquet": good.slice(0, length) }), "x.parquet")).rejects.toThrow(
        SaccadeError,
      );
  });

  test("row groups beyond the budget are dropped, oldest first, and read again", async () => {
    const cache = new RowGroupCache();
    const reads: string[] = [];
    const get = (key: string) =>
      cache.get(key, 200 * 2 ** 20, async () => {
        reads.push(key);
        return [];
      });
    for (const key of ["a", "b", "a", "c", "a", "b"]) await get(key);
    expect(reads).toEqual(["a", "b", "c", "b"]);
  });

  test("a row group that could not be read is read again when it is asked for again", async () => {
    const cache = new RowGroupCache();
    const failing = cache.get("a", 1, () => Promise.reject(new Error("the disk is away")));
    await expect(failing).rejects.toThrow("the disk is away");
    expect(await cache.get("a", 1, async () => [ONE])).toEqual([ONE]);
    expect(await cache.get("a", 1, async () => [])).toEqual([ONE]);
  });
});
