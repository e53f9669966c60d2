import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodePng } from "../../src/platform/node/decode.ts";
import { RandomSource } from "../../src/random.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const clip = writeMini(folder, "sparseformer_clip_mini_64x64");
const classifier = writeMini(folder, "sparseformer_v1_mini_64x64");

/** A folder of small pictures of noise, and two photographs. */
async function writePictures(name: string, seeds: readonly number[]): Promise<string> {
  const pictures = join(folder, name);
  mkdirSync(pictures, { recursive: true });
  for (const seed of seeds) {
    const random = new RandomSource(seed, "noise");
    const data = Uint8Array.from({ length: 48 * 32 * 3 }, () => random.integer(256));
    writeFileSync(join(pictures, `noise ${seed}.png`), await encodePng({ width: 48, height: 32, data }));
  }
  copyFileSync(PASTORAL, join(pictures, "pastoral.jpg"));
  copyFileSync(BOATS, join(pictures, "boats.jpg"));
  return pictures;
}

const json = async (args: readonly string[]) => {
  const run = await cli([...args, "--json"]);
  expect(run.exitCode, run.notes.join("\n")).toBe(0);
  return JSON.parse(run.stdout);
};

test("an index is made, searched, added to, made anew and taken from", async () => {
  const pictures = await writePictures("pictures", [1, 2, 3]);
  const out = join(folder, "index");
  expect(await json(["index", pictures, "--out", out, "-m", clip])).toMatchObject({
    pictures: 5,
    embedded: 5,
    width: 12,
  });

  const found = await json(["search", out, join(pictures, "boats.jpg"), "-k", "3"]);
  expect(found.matches).toHaveLength(3);
  expect(found.matches[0]).toMatchObject({ path: join(pictures, "boats.jpg"), size: readFileSync(BOATS).length });
  expect(found.matches[0].score).toBeCloseTo(1, 6);
  expect(found.matches[1].score).toBeLessThan(0.9999);

  // What is there already is known by its content: the same folder, and a copy under another name.
  writeFileSync(join(pictures, "copy.jpg"), readFileSync(BOATS));
  await writePictures("pictures", [4]);
  expect(await json(["index", pictures, "--out", out])).toMatchObject({ pictures: 7, embedded: 1, known: 1, kept: 5 });
  const alike = await json(["search", out, BOATS, "-k", "2"]);
  expect(alike.matches.map(({ path }: { path: string }) => path)).toEqual(
    ["boats.jpg", "copy.jpg"].map((name) => join(pictures, name)),
  );

  // A picture that changed is replaced, one that has gone leaves, and --add lets the others stay.
  copyFileSync(PASTORAL, join(pictures, "copy.jpg"));
  rmSync(join(pictures, "noise 1.png"));
  expect(await json(["index", pictures, "--out", out])).toMatchObject({ pictures: 6, known: 1, kept: 5, removed: 1 });
  const more = await writePictures("more", []);
  expect(await json(["index", more, "--out", out, "--add"])).toMatchObject({
    pictures: 8,
    embedded: 0,
    known: 2,
    kept: 0,
  });
  expect(await json(["index", "--out", out, "--remove", more, join(pictures, "copy.jpg")])).toMatchObject({
    pictures: 5,
    removed: 3,
  });
  expect(readdirSync(out).filter((name) => name.startsWith("part-"))).toHaveLength(1);
});

test("text for people: within 80 columns, paths from their end, and a sheet with the pictures", async () => {
  const deep = join("deep", "a".repeat(60), "b".repeat(40));
  const pictures = await writePictures(deep, [1]);
  const out = join(folder, "index-of-deep");
  const made = await cli(["index", pictures, "--out", out, "-m", classifier]);
  expect(made.stdout).toContain("3 pictures, 128 numbers each, by ");
  const sheets = join(folder, "sheets");
  const queries = [PASTORAL, join(pictures, "noise 1.png")];
  const { stdout, exitCode } = await cli(["search", out, ...queries, "--explain", sheets]);
  expect(exitCode).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(8);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines[1]).toMatch(/^ 1 {3}1\.0000 {2}….*b\/pastoral\.jpg$/);
  expect(readdirSync(sheets).toSorted()).toEqual(["image.png", "noise 1.png"]);
  const page = join(folder, "found.html");
  rmSync(join(pictures, "noise 1.png"));
  expect((await cli(["search", out, PASTORAL, "--explain", page])).exitCode).toBe(0);
  expect(readFileSync(page, "utf8")).toContain("the picture is not there any more");
});

test("wrong use and damaged indexes: what is wrong, where, and what to do", async () => {
  const pictures = await writePictures("for-errors", [1]);
  const out = join(folder, "index-for-errors");
  await json(["index", pictures, "--out", out, "-m", clip]);
  const fails = async (code: number, args: readonly string[], message: RegExp) => {
    const { exitCode, notes, stdout } = await cli(args);
    expect([exitCode, notes.join("\n")], args.join(" ")).toEqual([code, expect.stringMatching(message)]);
    expect(stdout).toBe("");
  };
  await fails(2, ["index", pictures, "--out", out, "-m", classifier, "--add"], /cannot be compared.*model: .*against/s);
  await fails(2, ["search", out, BOATS, "-m", classifier], /the index .* and of this model cannot be compared/);
  await fails(2, ["index", "--out", out], /no pictures were given/);
  await fails(2, ["index", pictures, "--out", out, "--remove", pictures], /--remove with pictures needs --add/);
  await fails(2, ["index", pictures, "--out", join(pictures, "index")], /lies in/);
  await fails(1, ["index", "--out", out, "--remove", "nowhere.jpg"], /picture in the index not found/);
  await fails(1, ["search", join(folder, "no-index"), BOATS], /index not found/);
  await fails(1, ["search", pictures, BOATS], /holds other things/);
  await fails(1, ["index", BOATS, "--out", pictures], /holds other things/);
  await fails(2, ["index", pictures, "--out", join(folder, "x"), "-m", clip, "--patches", "9"], /1 to 5 scales/);
  expect(existsSync(join(folder, "x"))).toBe(false);
  truncateSync(join(out, "part-000001.parquet"), 200);
  await fails(1, ["search", out, BOATS], /has 200 bytes where the manifest says/);
  rmSync(join(out, "part-000001.parquet"));
  await fails(1, ["search", out, BOATS], /is missing/);
  await json(["index", pictures, "--out", join(folder, "emptied"), "-m", clip]);
  await json(["index", "--out", join(folder, "emptied"), "--remove", pictures]);
  await fails(2, ["search", join(folder, "emptied"), BOATS], /is empty/);
  await fails(1, ["search", join(folder, "emptied"), join(folder, "none.jpg")], /picture not found/);
});
