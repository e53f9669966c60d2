// saccade learn: from a folder of pictures to a model folder that every command takes, changed in place, and what it refuses.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { encodePng } from "../../src/platform/node/decode.ts";
import { RandomSource } from "../../src/random.ts";
import { writeTextTower } from "../text-toys.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const AGAIN = ["--no-cache", "--threads", "1"];
const RUN = ["--model", model, ...AGAIN];

async function writeClass(data: string, label: string, count: number): Promise<void> {
  const colours: Record<string, number[]> = { red: [220, 30, 30], green: [30, 200, 30], blue: [20, 30, 220] };
  mkdirSync(join(data, label), { recursive: true });
  for (let i = 0; i < count; i++) {
    const random = new RandomSource(i, label);
    const pixels = Uint8Array.from({ length: 3 * 32 * 32 }, (_, at) => colours[label]![at % 3]! + random.integer(30));
    writeFileSync(join(data, label, `${i}.png`), await encodePng({ width: 32, height: 32, data: pixels }));
  }
}

const data = join(folder, "data");
const more = join(folder, "more");
const learnt = join(folder, "learnt");
let first: Awaited<ReturnType<typeof cli>>;

beforeAll(async () => {
  await writeClass(data, "red", 4);
  await writeClass(data, "green", 4);
  await writeClass(more, "blue", 3);
  first = await cli(["learn", data, "--out", learnt, "--unknown", "0.2", ...RUN]);
});

test("it says how well it does and what comes next", () => {
  expect(first.exitCode, first.notes.join("\n")).toBe(0);
  expect(first.stdout).toMatch(/learnt: 2 classes from 8 pictures in [\d.]+ s/);
  expect(first.stdout).toMatch(/right on [\d.]+ % of pictures left out \(95 % interval/);
  expect(first.stdout).toContain("unknown: by");
  expect(first.stdout).toContain("more pictures would help: green (4), red (4)");
  expect(first.stdout).toContain(`next: saccade classify photo.jpg --model ${learnt}`);
  for (const line of first.stdout.split("\n")) if (!line.includes(folder)) expect(line.length).toBeLessThanOrEqual(80);
});

test("classify and eval take it", async () => {
  const grey = join(folder, "grey.png");
  writeFileSync(grey, await encodePng({ width: 32, height: 32, data: new Uint8Array(3 * 32 * 32).fill(128) }));
  const run = await cli(["classify", join(data, "red", "0.png"), grey, "--model", learnt, "--json", "--threads", "1"]);
  const [red, stranger] = run.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(red.predictions[0].label).toBe("red");
  expect(stranger.unknown).toBe(true);
  const text = await cli(["classify", grey, "--model", learnt, "--threads", "1"]);
  expect(text.stdout).toMatch(/^unknown \(nearest: (red|green)\)\n$/);
  const evaluated = await cli(["eval", learnt, data, "--threads", "1"]);
  expect(evaluated.stdout).toMatch(/unknown +[\d.]+ % +of 8 known pictures/);
});

test("classes are added and forgotten in place; nothing of what was is left", async () => {
  const path = join(folder, "changed");
  cpSync(learnt, path, { recursive: true });
  const before = readdirSync(path).length;
  const added = await cli(["learn", "--out", path, "--add", more, "--json", ...AGAIN]);
  expect(added.exitCode, added.notes.join("\n")).toBe(0);
  expect(JSON.parse(added.stdout).classes).toEqual([
    { label: "blue", pictures: 3 },
    { label: "green", pictures: 4 },
    { label: "red", pictures: 4 },
  ]);
  const forgotten = await cli(["learn", "--out", path, "--forget", "blue", ...AGAIN]);
  expect(forgotten.exitCode).toBe(0);
  const content = (at: string) => readdirSync(at).map((name) => [name, readFileSync(join(at, name), "latin1")]);
  expect(content(path)).toEqual(content(learnt));
  expect(readdirSync(path)).toHaveLength(before);
});

test("a validation split is measured, and what is under two labels is told", async () => {
  const split = join(folder, "split");
  for (const part of ["train", "val"]) cpSync(data, join(split, part), { recursive: true });
  cpSync(join(data, "red", "0.png"), join(split, "train", "green", "copy.png"));
  const run = await cli(["learn", split, "--out", join(folder, "of-split"), "--head", "ridge", "--json", ...RUN]);
  expect(run.exitCode, run.notes.join("\n")).toBe(0);
  expect(JSON.parse(run.stdout).validation).toMatchObject({ pictures: 8, top1: 1 });
  expect(run.notes.join("\n")).toMatch(/one picture under two labels: .*copy\.png \(green\), .*0\.png \(red\)/);
});

test('a class called "unknown" is refused where unknown is an answer', async () => {
  const named = join(folder, "called-unknown");
  cpSync(data, named, { recursive: true });
  cpSync(join(data, "red"), join(named, "unknown"), { recursive: true });
  const run = await cli(["learn", named, "--out", join(folder, "ambiguous"), "--unknown", "0.1", ...RUN]);
  expect([run.exitCode, run.notes.join("\n")]).toEqual([2, expect.stringContaining('a class is called "unknown"')]);
  expect(existsSync(join(folder, "ambiguous"))).toBe(false);
});

test("what a killed run has left is replaced, and what is somebody's is not", async () => {
  const begun = join(folder, "late.unfinished");
  mkdirSync(begun);
  writeFileSync(join(begun, "model.safetensors"), "half");
  writeFileSync(join(begun, "diary.txt"), "mine");
  const learn = () => cli(["learn", data, "--out", join(folder, "late"), "--head", "ridge", ...RUN]);
  const refused = await learn();
  expect([refused.exitCode, refused.notes.join("\n")]).toEqual([2, expect.stringContaining("it holds diary.txt")]);
  expect(readdirSync(begun)).toContain("diary.txt");
  rmSync(join(begun, "diary.txt"));
  expect((await learn()).exitCode).toBe(0);
  expect(existsSync(begun)).toBe(false);
  expect(readdirSync(join(folder, "late")).filter((name) => name.startsWith("."))).toEqual([]);
});

test.each([
  [["learn", "DATA", "--out", "LEARNT"], 2, /is there already/],
  [["learn", "--out", "new"], 2, /no data was given/],
  [["learn", "DATA", "--out", "new", "--forget", "red"], 2, /exclude each other/],
  [["learn", "--out", "LEARNT", "--forget", "rad"], 2, /"rad" is none of the 2 classes[\s\S]*red/],
  [["learn", "--out", "MODEL", "--add", "DATA"], 2, /was not made by learning/],
  [["learn", "--out", "LEARNT", "--merge", "MODEL"], 2, /was not made by learning/],
  [["learn", "MORE", "--out", "new"], 2, /only one class, "blue", to learn from/],
  [["learn", "DATA", "--out", ""], 2, /has no name/],
  [["learn", "--out", "LEARNT", "--forget", "red", "--layer", "tokens"], 2, /the layer cannot be given/],
  [["learn", "--out", "LEARNT", "--add", "MORE", "--model", "MODEL"], 2, /the model cannot be given/],
  [["learn", "DATA", "--out", "new", "--unknown-score", "energy"], 2, /say both: --unknown/],
  [["learn", "DATA", "--out", "new", "--unknown", "2"], 2, /between 0 and 1/],
  [["learn", "DATA", "--out", "DATA/inside"], 2, /lies in/],
  [["learn", "nowhere", "--out", "new"], 1, /not found/],
  [["learn", "--out", "nowhere", "--forget", "red"], 1, /nowhere/],
])("%j is refused", async (args, exitCode, message) => {
  const named: Record<string, string> = {
    DATA: data,
    LEARNT: learnt,
    MODEL: model,
    MORE: more,
    "DATA/inside": join(data, "inside"),
  };
  const before = readdirSync(learnt);
  const isNew = args.includes("new");
  const run = await cli([...args.map((arg) => named[arg] ?? arg), ...(isNew ? RUN : AGAIN)]);
  expect(run.notes.join("\n")).toMatch(message);
  expect(run.exitCode).toBe(exitCode);
  expect(readdirSync(learnt)).toEqual(before);
  expect(existsSync("new")).toBe(false);
});

test("classes begin with their labels' texts, and those without pictures have nothing else", async () => {
  const clip = writeMini(folder, "sparseformer_clip_mini_64x64");
  const texts = ["--text-model", writeTextTower(folder, 12)];
  const run = ["--model", clip, "--no-cache", "--threads", "1"];
  const out = join(folder, "named");
  const learnt = await cli([
    "learn",
    data,
    "--out",
    out,
    "--text",
    ...texts,
    "--text-weight",
    "2",
    "--also",
    "blue",
    ...run,
  ]);
  expect(learnt.exitCode, learnt.notes.join("\n")).toBe(0);
  expect(learnt.stdout).toContain("texts: a class's label counts as 2 pictures of it");
  expect(learnt.stdout).toContain("blue (0)");
  const added = await cli(["learn", "--out", out, "--add", more, "--json", "--no-cache", "--threads", "1"]);
  expect(added.exitCode, added.notes.join("\n")).toBe(0);
  expect(JSON.parse(added.stdout)).toMatchObject({ text_weight: 2, classes: [{ label: "blue", pictures: 3 }, {}, {}] });
  for (const [wrong, message] of [
    [[data, ...texts], "--text-model is for classes that begin with their texts"],
    [[data, "--also", "blue"], "--also is for classes that begin with their texts"],
    [["--also", "blue", "--add", more], "--also is for what is learnt anew"],
    [[data, "--text", ...texts, "--head", "svm"], "not by svm"],
  ] as const) {
    const refused = await cli(["learn", ...wrong, "--out", join(folder, "refused"), ...run]);
    expect(refused.exitCode).toBe(2);
    expect(refused.notes.join("\n")).toContain(message);
  }
});
