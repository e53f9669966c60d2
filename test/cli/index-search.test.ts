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
/** The index of all tests, each of which leaves it as the next one takes it. */
const out = join(folder, "index");
const deep = join("deep", "a".repeat(60), "b".repeat(40));
const pictures = join(folder, deep);

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

async function fails(code: number, args: readonly string[], message: RegExp): Promise<void> {
  const { exitCode, notes, stdout } = await cli(args);
  expect([exitCode, notes.join("\n")], args.join(" ")).toEqual([code, expect.stringMatching(message)]);
  expect(stdout).toBe("");
}

test("an index is made, searched, made anew, added to and taken from", async () => {
  await writePictures(deep, [1]);
  expect(await json(["index", pictures, "--out", out, "-m", clip])).toMatchObject({
    pictures: 3,
    embedded: 3,
    width: 12,
  });
  const found = await json(["search", out, join(pictures, "boats.jpg"), "-k", "2"]);
  expect(found.matches).toHaveLength(2);
  expect(found.matches[0]).toMatchObject({ path: join(pictures, "boats.jpg"), size: readFileSync(BOATS).length });
  expect(found.matches[0].score).toBeCloseTo(1, 6);
  expect(found.matches[1].score).toBeLessThan(0.9999);

  // What is there is known by its content, what has changed is replaced, and what has gone leaves.
  copyFileSync(BOATS, join(pictures, "copy.jpg"));
  copyFileSync(BOATS, join(pictures, "pastoral.jpg"));
  rmSync(join(pictures, "noise 1.png"));
  expect(await json(["index", pictures, "--out", out])).toMatchObject({ pictures: 3, known: 2, kept: 1, removed: 1 });
  const alike = await json(["search", out, BOATS, "-k", "2"]);
  expect(alike.matches.map(({ path }: { path: string }) => path)).toEqual(
    ["boats.jpg", "copy.jpg"].map((name) => join(pictures, name)),
  );
  copyFileSync(PASTORAL, join(pictures, "pastoral.jpg"));
  const more = await writePictures("more", []);
  expect(await json(["index", more, pictures, "--out", out, "--add"])).toMatchObject({ pictures: 5, kept: 2 });
  expect(await json(["index", "--out", out, "--remove", more])).toMatchObject({ pictures: 3, removed: 2 });
  const named = readdirSync(out).filter((name) => name.endsWith(".parquet"));
  const codes = named.map((name) => `_${name.replace("parquet", "codes")}`);
  expect(
    readdirSync(out)
      .filter((name) => name.includes("part-"))
      .toSorted(),
  ).toEqual([...named, ...codes].toSorted());
});

test("text for people: within 80 columns, paths from their end, and a sheet with the pictures", async () => {
  const page = join(folder, "found.html");
  rmSync(join(pictures, "copy.jpg"));
  const { stdout, exitCode } = await cli(["search", out, PASTORAL, "--explain", page]);
  expect(exitCode).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines[0]).toMatch(/^ 1 {3}1\.0000 {2}….*b\/pastoral\.jpg$/);
  expect(readFileSync(page, "utf8")).toContain("the picture is not there any more");
});

test("wrong use and damaged indexes: what is wrong, where, and what to do", async () => {
  await fails(2, ["index", "--out", out], /no pictures were given/);
  await fails(2, ["index", pictures, "--out", out, "--remove", pictures], /--remove with pictures needs --add/);
  await fails(2, ["index", pictures, "--out", join(pictures, "index")], /lies in/);
  await fails(1, ["index", "--out", out, "--remove", "nowhere.jpg"], /picture in the index not found/);
  await fails(1, ["search", join(folder, "no-index"), BOATS], /index not found/);
  await fails(1, ["search", pictures, BOATS], /holds other things/);
  await fails(2, ["index", pictures, "--out", join(folder, "x"), "-m", clip, "--patches", "9"], /1 to 5 scales/);
  expect(existsSync(join(folder, "x"))).toBe(false);
  const [part] = readdirSync(out).filter((name) => name.endsWith(".parquet"));
  truncateSync(join(out, part!), 200);
  await fails(1, ["search", out, BOATS], /has 200 bytes where the manifest says/);
});
