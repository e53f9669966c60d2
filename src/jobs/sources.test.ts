import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseTar } from "../data/tar.ts";
import { localStorage } from "../platform/node/storage/local.ts";
import { parseAddress, printAddress } from "./address.ts";
import type { ManifestRow } from "./manifest.ts";
import { PlannedPictures } from "./pictures.ts";
import { sourceRows } from "./sources.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-sources-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...path: string[]) => join(folder, ...path);

const storageOf = () => localStorage;
async function rowsOf(source: string): Promise<{ rows: ManifestRow[]; problems: string[] }> {
  const problems: string[] = [];
  const rows: ManifestRow[] = [];
  const options = {
    storageOf,
    absolutePath: (path: string) => path,
    onProblem: (name: string, reason: string) => problems.push(`${name}: ${reason}`),
  };
  for await (const some of sourceRows(source, options)) rows.push(...some);
  return { rows, problems };
}

function tar(members: Record<string, string>): Buffer {
  const blocks = Object.entries(members).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        0", 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
    body.write(text);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe("addresses", () => {
  test.each([
    { path: "/a/b c.jpg" },
    { path: "/a/100%?#ü.jpg", bytes: { start: 512, length: 20480 } },
    { path: "/x.parquet", row: 17 },
    { path: "s3://bucket/a b/c?.jpg" },
  ])("%j there and back", (address) => expect(parseAddress(printAddress(address))).toEqual(address));

  test.each(["http://a/b", "file:///a?bytes=-1+2", "file:///a?row=x", "/a/b", "file:///%E0%A4%A"])(
    "%s is none",
    (text) => expect(() => parseAddress(text)).toThrow(/address/),
  );
});

test("folders: pictures in the order of their names, whatever is hidden or no picture left out, links in circles not followed", async () => {
  mkdirSync(at("pictures/b"), { recursive: true });
  for (const name of ["z.jpg", "a.png", "notes.md", ".hidden.jpg", "b/1.webp"])
    writeFileSync(at("pictures", name), name);
  symlinkSync(at("pictures"), at("pictures/b/up"));
  const { rows } = await rowsOf(at("pictures"));
  expect(rows.map(({ key }) => key)).toEqual(["a.png", "b/1.webp", "z.jpg"].map((name) => at("pictures", name)));
  expect(rows[0]).toMatchObject({ size: 5, address: `file://${at("pictures/a.png")}` });
});

test("tar archives: members where they lie, as when the archive is read whole; a cut one is told", async () => {
  const long = "x".repeat(70_000);
  const bytes = tar({ "1.jpg": "one", "1.cls": "3", "deep/2.png": long, "3.jpg": "three" });
  writeFileSync(at("all.tar"), bytes);
  const { rows } = await rowsOf(at("all.tar"));
  const whole = parseTar(bytes, "all.tar").members.filter(({ name }) => !name.endsWith(".cls"));
  expect(rows.map(({ address }) => parseAddress(address).bytes)).toEqual(
    whole.map(({ start, length }) => ({ start, length })),
  );
  expect(rows.map(({ key }) => key)).toEqual(
    ["1.jpg", "deep/2.png", "3.jpg"].map((name) => `${at("all.tar")}/${name}`),
  );
  const pictures = new PlannedPictures(storageOf);
  const { picture } = pictures.open({ ...rows[2]!, row: 2 });
  expect(Buffer.from(await picture.arrayBuffer()).toString()).toBe("three");
  writeFileSync(at("cut.tar"), bytes.subarray(0, 40_000));
  expect((await rowsOf(at("cut.tar"))).problems.join()).toMatch(/cut off inside deep\/2.png/);
});

test("lists: text, CSV with quotes over lines, JSON lines; facts that are given are not looked up", async () => {
  writeFileSync(at("one.jpg"), "12345");
  writeFileSync(at("list.txt"), `one.jpg\n${at("one.jpg")}\nmissing.jpg\n`);
  const text = (await rowsOf(at("list.txt"))).rows;
  expect(text.map(({ size }) => size)).toEqual([5, 5, -1]);
  expect(text[0]!.address).toBe(text[1]!.address);
  writeFileSync(at("list.csv"), 'path,key,size,etag\none.jpg,"a\nb",7,e1\ntwo.jpg,,,\n,x,,\n');
  const csv = await rowsOf(at("list.csv"));
  expect(csv.rows.map(({ key, size, etag }) => [key, size, etag])).toEqual([
    ["a\nb", 7, "e1"],
    ["two.jpg", -1, ""],
  ]);
  expect(csv.problems.join()).toMatch(/no path/);
  writeFileSync(at("list.jsonl"), '{"path":"one.jpg"}\n{"image":"s3://b/k.jpg","size":3}\n');
  const json = (await rowsOf(at("list.jsonl"))).rows;
  expect(json.map(({ address, size }) => [address, size])).toEqual([
    [`file://${at("one.jpg")}`, 5],
    ["s3://b/k.jpg", 3],
  ]);
});

test("a picture that is not what it was when the plan was made says so", async () => {
  writeFileSync(at("changes.jpg"), "before");
  const [row] = (await rowsOf(at("changes.jpg"))).rows;
  writeFileSync(at("changes.jpg"), "afterwards");
  const { picture } = new PlannedPictures(storageOf).open({ ...row!, row: 0 });
  await expect(picture.arrayBuffer()).rejects.toMatchObject({ code: "changed" });
});

test("a row of a Parquet file that is not what it was says so", async () => {
  writeFileSync(at("rows.parquet"), "not what it was when the plan was made");
  const row = { key: "k", address: printAddress({ path: at("rows.parquet"), row: 0 }), size: -1, row: 0 };
  const open = (etag: string) => new PlannedPictures(storageOf).open({ ...row, etag }).picture.arrayBuffer();
  await expect(open("before")).rejects.toMatchObject({ code: "changed" });
  const gone = { ...row, address: printAddress({ path: at("gone.parquet"), row: 0 }), etag: "before" };
  const { picture } = new PlannedPictures(storageOf).open(gone);
  await expect(picture.arrayBuffer()).rejects.toMatchObject({ code: "not_found" });
  // Of a list that says no etag, whatever is there is read.
  await expect(open("")).rejects.toMatchObject({ code: "format" });
});

test.each(["nothing-there", "notes.xyz", "empty"])("%s is refused", async (name) => {
  mkdirSync(at("empty"), { recursive: true });
  writeFileSync(at("notes.xyz"), "");
  await expect(rowsOf(at(name))).rejects.toThrow(/not found|no source|no pictures/);
});
