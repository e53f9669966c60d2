// Files as people have them, in test/cases.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { memoryFiles, picture } from "../src/data/memory-files.test-helper.ts";
import { openDataset } from "../src/data/open.ts";
import { sniff } from "../src/image/sniff.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";

const CASES = new URL("cases/", import.meta.url).pathname;
const list = (name: string) => readFileSync(`${CASES}lists/${name}`);
const animals = Object.fromEntries(
  ["e", "c"].flatMap((kind) => Array.from({ length: 6 }, (_, i) => [`img/${kind}${i}.jpg`, picture(i)])),
);
const open = (name: string) =>
  openDataset(memoryFiles({ ...animals, [name]: list(name) }), name, { validationFraction: 0 });

describe("lists", () => {
  test("UTF-16, as spreadsheets write it", async () => {
    const { train, labels } = await open("utf16.csv");
    expect(labels).toHaveLength(2);
    expect(train!.length).toBe(12);
  });

  test("another encoding is refused, with the line", async () => {
    await expect(open("cp1252.csv")).rejects.toThrow(/cp1252\.csv:\d+ is not UTF-8 text/);
  });

  test("paths of Windows are found with slashes, on what is not Windows", async () => {
    const { train } = await open("windows-paths.csv");
    expect([train!.length, train!.name(0)]).toEqual([12, "img/e0.jpg"]);
    // a file whose name has a backslash is itself
    const files = memoryFiles({ "a\\b.jpg": picture(1), "l.csv": "path,label\na\\b.jpg,cat\n" });
    const own = await openDataset(files, "l.csv", { validationFraction: 0 });
    expect(own.train!.name(0)).toBe("a\\b.jpg");
  });
});

test("a shard whose keys have dots gives all of its pictures", async () => {
  const { train } = await openDataset(nodeDataFiles, `${CASES}keys-with-dots.tar`, { validationFraction: 0 });
  expect(train!.length).toBe(12);
  expect(new Set(train!.targets).size).toBe(2);
  expect(train!.problems).toEqual([]);
});

test("Parquet with Zstandard pages", async () => {
  const path = `${CASES}zstd.parquet`;
  const { train } = await openDataset(nodeDataFiles, path, { validationFraction: 0 });
  expect(train!.length).toBe(12);
  const { picture: source } = await train!.item(11);
  if (source.kind !== "encoded") throw new Error(source.kind);
  expect(sniff(source.bytes).picture).toBe("jpeg");
});
