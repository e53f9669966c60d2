import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inThreadHost as host, spaceOf } from "../../test/retrieval/index-cases.ts";
import { FormatError, SaccadeError, UsageError } from "../errors.ts";
import { IndexWriter } from "./index-writer.ts";
import { codesName, findManifest, requireManifest } from "./manifest.ts";
import { openPart } from "./parts.ts";

let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "saccade-index-"));
});
afterAll(() => rmSync(parent, { recursive: true }));
let folders = 0;
const newFolder = () => join(parent, String(folders++));

const WIDTH = 3;
const SPACE = spaceOf(WIDTH, "saccade/everyday");
const WANTED = { space: SPACE, levels: 1 };

const pictureOf = (path: string, content: number) => ({
  path,
  size: content,
  hash: content.toString(16).padStart(64, "0"),
});
const vectorOf = (content: number) => Float32Array.of(content, -content, 1);

/** The pictures of the index with their vectors, by path. */
async function contentOf(folder: string): Promise<Map<string, number>> {
  const manifest = await requireManifest(host.files, folder);
  const found = new Map<string, number>();
  for (const listed of manifest.parts) {
    const part = await openPart(host, folder, manifest, listed);
    const vectors = await part.all();
    for (const [i, { path, size, hash }] of part.pictures.entries()) {
      expect(found.has(path), "a path twice").toBe(false);
      expect({ path, size, hash }).toEqual(pictureOf(path, size));
      expect(vectors.slice(i * WIDTH, (i + 1) * WIDTH)).toEqual(vectorOf(size));
      found.set(path, size);
    }
  }
  return found;
}

const sorted = (map: Map<string, number>) => [...map].toSorted();

type Step =
  | { readonly kind: "put"; readonly path: string; readonly content: number }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "save" | "commit" | "vanish" };

const paths = fc.constantFrom("a", "b", "c", "d", "e", "f", "ä");
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("put" as const), path: paths, content: fc.nat({ max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), path: paths }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("save" as const, "commit" as const, "vanish" as const) }) },
);

describe("an index on the disk", () => {
  test("is what a map would be, whatever is put in, taken out, committed and left behind", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (script) => {
        const folder = newFolder();
        let committed = new Map<string, number>();
        let current = new Map<string, number>();
        let writer = await IndexWriter.open(host, folder, WANTED);
        await writer.commit();
        for (const step of script) {
          if (step.kind === "put") {
            await writer.put(pictureOf(step.path, step.content), vectorOf(step.content));
            current.set(step.path, step.content);
          } else if (step.kind === "remove") expect(writer.remove(step.path)).toBe(current.delete(step.path));
          else if (step.kind === "save") await writer.save();
          else if (step.kind === "commit") {
            await writer.commit();
            committed = new Map(current);
          } else {
            // As a process that was killed leaves it; the lock goes with the process.
            await writer[Symbol.asyncDispose]();
            current = new Map(committed);
            writer = await IndexWriter.open(host, folder, WANTED);
          }
          expect([...writer.pictures].map(([path, { size }]) => [path, size]).toSorted()).toEqual(sorted(current));
          if (step.kind === "commit" || step.kind === "vanish")
            expect(sorted(await contentOf(folder))).toEqual(sorted(committed));
        }
        await writer.commit();
        await writer[Symbol.asyncDispose]();
        expect(sorted(await contentOf(folder))).toEqual(sorted(current));
        const { parts } = await requireManifest(host.files, folder);
        const named = parts.flatMap(({ file }) => [file, codesName(file)]);
        expect(readdirSync(folder).toSorted()).toEqual([...named, "_manifest.json"].toSorted());
        expect(parts.length).toBeLessThan(8);
      }),
      { numRuns: 25 },
    );
  });

  test("vectors that a stopped run has written are found by what the picture holds", async () => {
    const folder = newFolder();
    const first = await IndexWriter.open(host, folder, WANTED);
    await first.put(pictureOf("a", 4), vectorOf(4));
    expect(await first.vectorsOf(pictureOf("", 4).hash)).toEqual(vectorOf(4));
    await first.save();
    await first[Symbol.asyncDispose]();
    expect(await findManifest(host.files, folder)).toBeUndefined();
    // Half a file under a part's name is no index's fault.
    const part = readdirSync(folder).find((name) => name.endsWith(".parquet"));
    copyFileSync(join(folder, part!), join(folder, "part-000007.parquet"));
    truncateSync(join(folder, "part-000007.parquet"), 100);
    await using second = await IndexWriter.open(host, folder, WANTED);
    expect(await second.vectorsOf(pictureOf("", 4).hash)).toEqual(vectorOf(4));
    expect(await second.vectorsOf(pictureOf("", 5).hash)).toBeUndefined();
  });

  test("one writer at a time", async () => {
    const folder = newFolder();
    await using _writer = await IndexWriter.open(host, folder, WANTED);
    await expect(IndexWriter.open(host, folder, WANTED)).rejects.toMatchObject({ code: "in_use" });
  });

  test("another space or other patches are refused, with what differs", async () => {
    const folder = await committed();
    const other = { ...SPACE, id: "bbbbbbbbbbbbbbbb", layer: "stage3" };
    await expect(IndexWriter.open(host, folder, { ...WANTED, space: other })).rejects.toThrow(
      /layer: features against stage3/,
    );
    await expect(IndexWriter.open(host, folder, { ...WANTED, levels: 2 })).rejects.toThrow(UsageError);
  });

  test.each([
    ["is missing", (path: string) => rmSync(path), /part-000001\.parquet is missing/],
    ["is cut off", (path: string) => truncateSync(path, 50), /has 50 bytes where the manifest says \d+/],
    [
      "is another file of its length",
      (path: string) => writeFileSync(path, new Uint8Array(readFileSync(path).length)),
      /part-000001\.parquet cannot be read/,
    ],
  ])("says so when a part %s", async (_, damage, message) => {
    const folder = await committed();
    damage(join(folder, "part-000001.parquet"));
    await expect(contentOf(folder)).rejects.toThrow(FormatError);
    await expect(contentOf(folder)).rejects.toThrow(message);
    await expect(IndexWriter.open(host, folder, WANTED)).rejects.toThrow(message);
  });

  test.each([
    ["text", "hello", /not valid JSON/],
    ["another file's", "{}", /saccade_index/],
    ["a newer layout's", edited({ saccade_index: 9 }), /layout 9, newer/],
    [
      "one that leads out of the folder",
      edited({ parts: [{ file: "../x.parquet", rows: 1, bytes: 1 }] }),
      /parts\.0\.file/,
    ],
    ["one with a part twice", edited({ parts: [part(1), part(1)] }), /named twice/],
    ["one with absurd counts", edited({ parts: [{ ...part(1), rows: 1e300 }] }), /parts\.0\.rows/],
    ["one with too many patches", edited({ levels: 1000 }), /levels/],
  ])("refuses a manifest that is %s", async (_, text, message) => {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, "_manifest.json"), text);
    await expect(requireManifest(host.files, folder)).rejects.toThrow(FormatError);
    await expect(requireManifest(host.files, folder)).rejects.toThrow(message);
    expect(readFileSync(join(folder, "_manifest.json"), "utf8")).toBe(text);
  });

  test("a folder of something else is left alone", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, "cat.jpg"), "");
    await expect(IndexWriter.open(host, folder, WANTED)).rejects.toThrow(/holds other things \(cat\.jpg\)/);
    await expect(IndexWriter.open(host, join(folder, "cat.jpg"), WANTED)).rejects.toThrow(/is a file/);
    expect(readdirSync(folder)).toEqual(["cat.jpg"]);
    await expect(requireManifest(host.files, newFolder())).rejects.toThrow(SaccadeError);
  });
});

function part(number: number) {
  return { file: `part-00000${number}.parquet`, rows: 1, bytes: 100 };
}

function edited(change: Record<string, unknown>): string {
  return JSON.stringify({ saccade_index: 1, space: SPACE, levels: 1, parts: [], ...change });
}

/** An index of two pictures. */
async function committed(): Promise<string> {
  const folder = newFolder();
  await using writer = await IndexWriter.open(host, folder, WANTED);
  for (const content of [1, 2]) await writer.put(pictureOf(`${content}.jpg`, content), vectorOf(content));
  await writer.commit();
  return folder;
}
