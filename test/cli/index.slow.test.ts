// `saccade index` as a process that is killed: the index that was there stays, and what was embedded is not embedded again.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { encodePng } from "../../src/platform/node/decode.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { RandomSource } from "../../src/random.ts";
import { loadEmbedder } from "../../src/tasks/embed/embedder.ts";
import { loadTextEmbedder } from "../../src/tasks/zero-shot/text-embedder.ts";
import { programCommand } from "../program-command.ts";
import { writeTextTower } from "../text-toys.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const clip = writeMini(folder, "sparseformer_clip_mini_64x64");
const out = join(folder, "index");

/** `saccade index` until it is killed or done. */
async function indexAndKill(pictures: string, milliseconds: number): Promise<void> {
  const [program, ...before] = programCommand();
  const args = ["index", pictures, "--out", out, "-m", model, "--add", "--threads", "1", "--no-cache"];
  const child = spawn(program, [...before, ...args], { stdio: "ignore" });
  const ended = new Promise((settle) => child.on("close", settle));
  await Promise.race([pause(milliseconds), ended]);
  child.kill("SIGKILL");
  await ended;
}

const json = async (args: readonly string[]) => {
  const { exitCode, notes, stdout } = await cli([...args, "--json"]);
  expect(exitCode, notes.join("\n")).toBe(0);
  return JSON.parse(stdout);
};

/** A folder with the two photographs. */
function photographs(name: string): string {
  const pictures = join(folder, name);
  mkdirSync(pictures, { recursive: true });
  copyFileSync(PASTORAL, join(pictures, "pastoral.jpg"));
  copyFileSync(BOATS, join(pictures, "boats.jpg"));
  return pictures;
}

const found = async () => JSON.parse((await cli(["search", out, BOATS, "--json", "-k", "1000"])).stdout).matches;

test("killed while pictures are added: the old index answers; the next run ends as one that nobody disturbed", async () => {
  const few = photographs("few");
  expect((await cli(["index", few, "--out", out, "-m", model])).exitCode).toBe(0);
  const before = await found();
  const many = join(folder, "many");
  mkdirSync(many);
  for (let i = 0; i < 300; i++) {
    const random = new RandomSource(i, "noise");
    const data = Uint8Array.from({ length: 96 * 96 * 3 }, () => random.integer(256));
    await nodeHost.files.writeAtomic(join(many, `${i}.png`), await encodePng({ width: 96, height: 96, data }));
  }
  for (const milliseconds of [1000, 2000, 3000, 4000]) {
    await indexAndKill(many, milliseconds);
    const now = await found();
    // A process that was faster than the signal has added all of them.
    expect([before.length, before.length + 300]).toContain(now.length);
    if (now.length === before.length) expect(now).toEqual(before);
  }
  const { stdout, exitCode } = await cli(["index", many, "--out", out, "--add", "--json"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).pictures).toBe(302);
  const after = await found();
  const whole = join(folder, "undisturbed");
  expect((await cli(["index", few, many, "--out", whole, "-m", model])).exitCode).toBe(0);
  const expected = JSON.parse((await cli(["search", whole, BOATS, "--json", "-k", "1000"])).stdout).matches;
  expect(after.map(({ path }: { path: string }) => path)).toEqual(expected.map(({ path }: { path: string }) => path));
  expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  expect(existsSync(join(out, "_manifest.json")) && readFileSync(join(out, "_manifest.json"), "utf8")).toContain(
    "part-",
  );
}, 300_000);

test("interrupted: what was embedded is in the next run's parts and not embedded again", async () => {
  const index = join(folder, "interrupted");
  const many = join(folder, "many");
  const stop = new AbortController();
  const args = ["index", many, "--out", index, "-m", model, "--no-cache"];
  let done = 0;
  const run = cli(args, {
    signal: stop.signal,
    onStatus: (line) => {
      done = Number.parseInt(line, 10) || done;
      if (done > 60) stop.abort();
    },
  });
  const { exitCode } = await run;
  // A machine that is done within the first second shows no progress.
  if (exitCode === 0) return;
  expect(exitCode).toBe(130);
  expect(existsSync(join(index, "_manifest.json"))).toBe(false);
  const { known, embedded } = JSON.parse((await cli([...args, "--json"])).stdout);
  expect(known + embedded).toBe(300);
  expect(known).toBeGreaterThan(30);
}, 300_000);

test("patches: every picture at several scales, compared one by one", async () => {
  const pictures = photographs("few");
  const patched = join(folder, "index-of-patches");
  const made = await cli(["index", pictures, "--out", patched, "-m", clip, "--patches", "2", "--json"]);
  expect(JSON.parse(made.stdout)).toMatchObject({ pictures: 2 });
  const { matches } = JSON.parse((await cli(["search", patched, PASTORAL, "--json"])).stdout);
  expect(matches[0].path).toBe(join(pictures, "pastoral.jpg"));
  expect(matches[0].score).toBeCloseTo(1, 3);
  const refused = await cli(["index", pictures, "--out", patched, "--patches", "3"]);
  expect([refused.exitCode, refused.notes.join("\n")]).toEqual([2, expect.stringContaining("2 scales, and 3 scales")]);
});

test("words find pictures where the index's model has a text model", async () => {
  const tower = writeTextTower(folder, 12);
  const pictures = photographs("for-words");
  const out = join(folder, "index-for-words");
  const before = process.env.SACCADE_CACHE;
  process.env.SACCADE_CACHE = join(folder, "cache");
  await json(["index", pictures, "--out", out, "-m", clip]);
  const { text, matches } = await json(["search", out, "--text", "a boat", "--text-model", tower]);
  expect(text).toBe("a boat");
  await using texts = await loadTextEmbedder(nodeHost, tower);
  await using embedder = await loadEmbedder(nodeHost, clip);
  const [words, boats] = [await texts.embed("a boat"), await embedder.embed(join(pictures, "boats.jpg"))];
  const found = matches.find(({ path }: { path: string }) => path.endsWith("boats.jpg"));
  expect(found.score).toBeCloseTo(
    words.reduce((sum, value, i) => sum + value * boats[i]!, 0),
    5,
  );
  const without = await cli(["search", out, "--text", "a boat"]);
  expect([without.exitCode, without.notes.join("\n")]).toEqual([2, expect.stringContaining("has no text model")]);
  process.env.SACCADE_CACHE = before;
});

test("pictures that cannot be read are left out, and said", async () => {
  const pictures = photographs("with-broken");
  writeFileSync(join(pictures, "broken.jpg"), "not a picture");
  const out = join(folder, "index-with-broken");
  const { exitCode, notes, stdout } = await cli(["index", pictures, "--out", out, "-m", clip]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain("1 of 3 pictures could not be read");
  expect(stdout).toContain("2 pictures");
  const searched = await cli(["search", out, join(pictures, "broken.jpg"), BOATS]);
  expect(searched.exitCode).toBe(1);
  expect(searched.stdout).toContain("boats.jpg");
  const nothing = await cli([
    "index",
    join(pictures, "broken.jpg"),
    "--out",
    join(folder, "index-of-nothing"),
    "-m",
    clip,
  ]);
  expect(nothing.exitCode).toBe(1);
  expect(existsSync(join(folder, "index-of-nothing", "_manifest.json"))).toBe(false);
});

test("a sheet for each of several pictures, in a folder", async () => {
  const out = join(folder, "index-for-sheets");
  await json(["index", photographs("few"), "--out", out, "-m", clip]);
  const sheets = join(folder, "sheets");
  const { stdout, exitCode } = await cli([
    "search",
    out,
    PASTORAL,
    join(folder, "few", "boats.jpg"),
    "--explain",
    sheets,
  ]);
  expect(exitCode).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(6);
  expect(readdirSync(sheets).toSorted()).toEqual(["boats.png", "image.png"]);
});

test("an index remembers how its model is read and which features it takes: a search needs nothing else", async () => {
  const pictures = photographs("few");
  const out = join(folder, "index-of-a-layer");
  const options = [
    "--config",
    "normalization_factor=[[0.5,0.5,0.5],[0.5,0.5,0.5]]",
    "--layer",
    "tokens",
    "--power",
    "--no-cache",
  ];
  await json(["index", pictures, "--out", out, "-m", model, ...options]);
  const { matches } = await json(["search", out, BOATS, "--no-cache"]);
  expect(matches[0]).toMatchObject({ path: join(pictures, "boats.jpg") });
  expect(matches[0].score).toBeCloseTo(1, 6);
  expect(await json(["index", pictures, "--out", out, "--no-cache"])).toMatchObject({ kept: 2 });
  const { exitCode, notes } = await cli([
    "search",
    out,
    BOATS,
    "--config",
    "normalization_factor=[[0.4,0.5,0.5],[0.5,0.5,0.5]]",
  ]);
  expect([exitCode, notes.join("\n")]).toEqual([2, expect.stringContaining("cannot be compared")]);
});

test("another model, and indexes that are empty or lack a part, are refused", async () => {
  const pictures = photographs("few");
  const out = join(folder, "index-for-errors");
  const fails = async (code: number, args: readonly string[], message: RegExp) => {
    const { exitCode, notes } = await cli(args);
    expect([exitCode, notes.join("\n")], args.join(" ")).toEqual([code, expect.stringMatching(message)]);
  };
  await json(["index", pictures, "--out", out, "-m", clip]);
  await fails(2, ["index", pictures, "--out", out, "-m", model, "--add"], /cannot be compared.*model: .*against/s);
  await fails(2, ["search", out, BOATS, "-m", model], /the index .* and of this model cannot be compared/);
  await fails(1, ["index", BOATS, "--out", pictures], /holds other things/);
  await fails(1, ["search", out, join(folder, "none.jpg")], /picture not found/);
  rmSync(join(out, "part-000001.parquet"));
  await fails(1, ["search", out, BOATS], /is missing/);
  const emptied = join(folder, "emptied");
  await json(["index", pictures, "--out", emptied, "-m", clip]);
  await json(["index", "--out", emptied, "--remove", pictures]);
  await fails(2, ["search", emptied, BOATS], /is empty/);
});
