import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { inThreadHost, spaceOf } from "../../test/retrieval/index-cases.ts";
import { RandomSource } from "../random.ts";
import { encodeVectors } from "./codes.ts";
import { IndexWriter } from "./index-writer.ts";
import { requireManifest } from "./manifest.ts";
import { picturesAt, SearchPart } from "./search-part.ts";

const parent = mkdtempSync(join(tmpdir(), "saccade-codes-"));
afterAll(() => rmSync(parent, { recursive: true }));

const WIDTH = 5;
const SPACE = spaceOf(WIDTH);

/** Counts how often whole parts are decoded. */
let decoded = 0;
const host = {
  ...inThreadHost,
  decodeEmbeddings: (request: Parameters<typeof inThreadHost.decodeEmbeddings>[0]) => {
    decoded++;
    return inThreadHost.decodeEmbeddings(request);
  },
};

/** An index of pictures with vectors that a seed draws. */
async function writeIndex(folder: string, pictures: number, seed: number): Promise<Float32Array> {
  const random = new RandomSource(seed, "vectors");
  const vectors = Float32Array.from({ length: pictures * WIDTH }, () => random.normal());
  await using writer = await IndexWriter.open(host, folder, { space: SPACE, levels: 1 });
  for (let i = 0; i < pictures; i++) {
    const picture = { path: `/${i}.jpg`, size: i, hash: `${i}`.padStart(64, "0") };
    await writer.put(picture, vectors.slice(i * WIDTH, (i + 1) * WIDTH));
  }
  await writer.commit();
  decoded = 0;
  return vectors;
}

async function openParts(folder: string): Promise<SearchPart[]> {
  const manifest = await requireManifest(host.files, folder);
  return Promise.all(manifest.parts.map((part) => SearchPart.open(host, folder, manifest, part)));
}

let folder: string;
let vectors: Float32Array;
let codesPath: string;
beforeEach(async () => {
  folder = mkdtempSync(join(parent, "index-"));
  vectors = await writeIndex(folder, 40, 1);
  codesPath = join(folder, "_part-000001.codes");
});

test("codes are read where the writer has left them, single vectors where they lie, pictures when they are asked for", async () => {
  const parts = await openParts(folder);
  expect(await parts[0]!.codes()).toEqual(encodeVectors(vectors, WIDTH));
  expect(await parts[0]!.range(7, 9)).toEqual(vectors.slice(7 * WIDTH, 9 * WIDTH));
  expect(decoded).toBe(0);
  expect((await picturesAt(parts, [39, 0])).get(39)).toMatchObject({ path: "/39.jpg", size: 39 });
  expect(decoded).toBe(1);
});

test.each<[string, () => void]>([
  ["are missing", () => rmSync(codesPath)],
  ["are cut off", () => truncateSync(codesPath, 300)],
  ["are empty", () => writeFileSync(codesPath, "")],
  ["have one other bit", () => writeFileSync(codesPath, flipped(readFileSync(codesPath), -100))],
  ["have another header", () => writeFileSync(codesPath, flipped(readFileSync(codesPath), 20))],
])("codes that %s are made anew, and kept", async (_, damage) => {
  const right = readFileSync(codesPath);
  damage();
  const [part] = await openParts(folder);
  expect(await part!.codes()).toEqual(encodeVectors(vectors, WIDTH));
  expect(await part!.range(7, 9)).toEqual(vectors.slice(7 * WIDTH, 9 * WIDTH));
  expect(decoded).toBeGreaterThan(0);
  expect(readFileSync(codesPath)).toEqual(right);
});

test("codes of another part of that name are not taken for its own", async () => {
  const other = mkdtempSync(join(parent, "index-"));
  await writeIndex(other, 40, 2);
  writeFileSync(codesPath, readFileSync(join(other, "_part-000001.codes")));
  const [part] = await openParts(folder);
  expect(await part!.codes()).toEqual(encodeVectors(vectors, WIDTH));
});

test("where codes cannot be kept they are made each time", async () => {
  rmSync(codesPath);
  const files = {
    ...host.files,
    writeAtomic: () => inThreadHost.files.read(join(parent, "nothing")).then(() => undefined),
  };
  const manifest = await requireManifest(host.files, folder);
  const part = await SearchPart.open({ ...host, files }, folder, manifest, manifest.parts[0]!);
  expect((await part.codes()).rows).toBe(40);
  expect(readdirSync(folder)).not.toContain("_part-000001.codes");
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = copy[place]! ^ 1;
  return copy;
}
