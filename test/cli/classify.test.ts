import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeHost } from "../../src/platform/node/host.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const model = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });
const clip = writeMini(folder, "sparseformer_clip_mini_64x64");
const video = writeMini(folder, "media_sparseformer_v1_mini_r1_0");

const album = join(folder, "album");
mkdirSync(join(album, "more"), { recursive: true });
copyFileSync(PASTORAL, join(album, "a pastoral.jpg"));
writeFileSync(join(album, "broken.jpg"), readFileSync(PASTORAL).subarray(0, 3000));
copyFileSync(BOATS, join(album, "more", "boats.JPG"));
writeFileSync(join(album, "notes.txt"), "not a picture");

const jsonLines = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("one picture: labels and probabilities, best first", async () => {
  const { exitCode, stdout, notes } = await cli(["classify", PASTORAL, "--model", model, "--top-k", "3"]);
  expect(notes).toEqual([]);
  expect(exitCode).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/^ {0,4}\d+(\.\d)? % {2}thing \d$/);
  const shares = lines.map((line) => Number.parseFloat(line));
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
});

test("--json: one object a line, scores that add up to one, and only that on stdout", async () => {
  const { exitCode, stdout } = await cli(["classify", PASTORAL, BOATS, "-m", model, "-k", "10", "--json"]);
  expect(exitCode).toBe(0);
  const answers = jsonLines(stdout);
  expect(answers.map(({ path }) => path)).toEqual([PASTORAL, BOATS]);
  for (const { predictions } of answers) {
    const sum = predictions.reduce((total: number, { score }: { score: number }) => total + score, 0);
    expect(sum).toBeCloseTo(1, 6);
    expect(predictions[0].label).toBe(`thing ${predictions[0].index}`);
  }
});

test("a folder with a broken picture: the others are answered, it is named, exit code 1", async () => {
  const { exitCode, stdout, notes } = await cli(["classify", album, "--model", model, "--json"]);
  expect(exitCode).toBe(1);
  const answers = jsonLines(stdout);
  expect(answers.map(({ path }) => path.slice(album.length + 1))).toEqual([
    "a pastoral.jpg",
    "broken.jpg",
    "more/boats.JPG",
  ]);
  expect(answers.map(({ error }) => error?.code)).toEqual([undefined, "image_truncated", undefined]);
  expect(notes.join("\n")).toContain("1 of 3 pictures could not be read");
  expect(notes.join("\n")).toContain("broken.jpg");
  expect(notes.join("\n")).not.toMatch(/\n\s+at /);
});

test("a path where nothing is does not stop the others either", async () => {
  const { exitCode, stdout, notes } = await cli(["classify", "nowhere.jpg", PASTORAL, "-m", model, "--json"]);
  expect(exitCode).toBe(1);
  expect(jsonLines(stdout).map(({ error }) => error?.code)).toEqual(["not_found", undefined]);
  expect(notes.join("\n")).toContain("picture not found: nowhere.jpg");
});

test("nor does a picture that only the preprocessing finds too large", async () => {
  const strip = join(folder, "strip.png");
  writeFileSync(strip, await nodeHost.encodePng({ width: 2, height: 30_000, data: new Uint8Array(180_000) }));
  const args = ["-m", model, "--json", "--transform", "resize_small(256)|normalize(imagenet)"];
  const { exitCode, stdout } = await cli(["classify", PASTORAL, strip, BOATS, ...args]);
  expect(exitCode).toBe(1);
  expect(jsonLines(stdout).map(({ error }) => error?.code)).toEqual([undefined, "limit", undefined]);
});

test("batches of any size give the same answers", async () => {
  const answers = [];
  for (const batch of ["1", "2", "8"]) {
    const { stdout } = await cli(["classify", PASTORAL, BOATS, PASTORAL, "-m", model, "--json", "--batch", batch]);
    answers.push(jsonLines(stdout).map(({ predictions }) => predictions.map(({ index }: { index: number }) => index)));
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});

test("globs, and standard input, give what the file itself gives", async () => {
  const byPath = jsonLines((await cli(["classify", PASTORAL, "-m", model, "--json"])).stdout)[0].predictions;
  const byGlob = await cli(["classify", join(album, "a*.jpg"), "-m", model, "--json"]);
  expect(jsonLines(byGlob.stdout)[0].predictions).toEqual(byPath);
  const byInput = await cli(["classify", "-", "-m", model, "--json"], { stdin: readFileSync(PASTORAL) });
  expect(jsonLines(byInput.stdout)[0]).toMatchObject({ path: "-", predictions: byPath });
});

test("--explain draws a picture that can be looked at", async () => {
  const out = join(folder, "looked.png");
  const { exitCode, stdout } = await cli(["classify", PASTORAL, "-m", model, "--explain", out]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`where it looked: ${out}`);
  const { width, height } = await nodeHost.decode(readFileSync(out));
  expect(width).toBeGreaterThan(400);
  expect(height).toBeGreaterThan(300);
  expect(width * height).toBeLessThan(20e6);
});

test.each(["svg", "html"])("--explain as %s holds the labels as text", async (kind) => {
  const names = join(folder, "other-scripts.txt");
  writeFileSync(names, labels.map((label) => `犬 Größe ${label}`).join("\n"));
  const out = join(folder, `looked.${kind}`);
  const { exitCode } = await cli(["classify", PASTORAL, "-m", model, "--labels", names, "--explain", out]);
  expect(exitCode).toBe(0);
  expect(readFileSync(out, "utf8")).toMatch(/犬 Größe thing \d \d+ %.*look 3 of 3/s);
});

test("a panorama says how little of it was seen: in words, in JSON and in the drawing", async () => {
  const wide = join(folder, "wide.png");
  writeFileSync(wide, await nodeHost.encodePng({ width: 900, height: 90, data: new Uint8Array(900 * 90 * 3) }));
  const args = ["-m", model, "--transform", "resize_small(64)|central_crop(64)|normalize(imagenet)"];
  const out = join(folder, "wide.svg");
  const { stdout } = await cli(["classify", wide, ...args, "--explain", out]);
  expect(stdout).toContain("only 10 % of the picture was seen");
  expect(readFileSync(out, "utf8")).toContain("only 10 % of the picture was seen");
  const json = await cli(["classify", wide, BOATS, ...args, "--json"]);
  const [panorama, photograph] = jsonLines(json.stdout);
  expect(panorama.seen).toBeCloseTo(0.1, 3);
  expect(photograph.seen).toBeGreaterThan(0.5);
  expect((await cli(["classify", BOATS, ...args])).stdout).not.toContain("was seen");
});

test("--explain with several pictures fills a folder; --json then tells where and what", async () => {
  const out = join(folder, "drawings");
  const { stdout } = await cli(["classify", PASTORAL, PASTORAL, "-m", model, "--explain", out, "--json"]);
  const answers = jsonLines(stdout);
  expect(answers.map(({ explained }) => explained)).toEqual([join(out, "image.png"), join(out, "image-2.png")]);
  for (const { explained, gaze } of answers) {
    expect(existsSync(explained)).toBe(true);
    expect(gaze.stages).toHaveLength(3);
    expect(gaze.stages[0].regions).toHaveLength(9 * 4);
    expect(gaze.stages[0].points).toHaveLength(9 * 4 * 2);
  }
});

test.each([
  [["classify", "nowhere.jpg", "-m", model], 1, "picture not found: nowhere.jpg"],
  [["classify", PASTORAL, "-m", "no-such-model"], 1, "model not found"],
  [["classify", PASTORAL, "-m", "./nowhere/"], 1, "model not found"],
  [["classify", PASTORAL, "-m", clip], 2, "image embeddings, not classes"],
  [["classify", PASTORAL, "-m", video], 2, "is a picture, and videos are classified here"],
  [["classify", PASTORAL, "-m", PASTORAL], 1, "neither safetensors nor a PyTorch checkpoint"],
  [["classify", PASTORAL, BOATS, "-m", model, "--explain", "one.png"], 2, "need a folder"],
  [["classify", PASTORAL, "-m", model, "--explain", "looked.jpg"], 2, "drawings are .png, .svg or .html"],
  [["classify", PASTORAL, "-m", "saccade/everday"], 1, "did you mean saccade/everyday?"],
  [["pull", "resnet5"], 1, "did you mean resnet50?"],
  [["classify", PASTORAL, "-m", model, "--transform", "blur(3)"], 2, "blur"],
  [["classify", PASTORAL, "-m", model, "--top-k", "0"], 2, "at least 1"],
  [["classify", PASTORAL, "-m", model, "--device", "tpu"], 2, "Allowed choices"],
  [["classify", join(folder, "*.gif"), "-m", model], 1, "matches nothing"],
  [["classify"], 2, "no pictures were given"],
] as [string[], number, string][])("%j fails with exit code %i and says: %s", async (args, exitCode, message) => {
  const run = await cli(args);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stdout).toBe("");
  expect(run.notes.join("\n")).not.toMatch(/unexpected|\n\s+at /);
});

test("labels from a file take the place of the model's; a wrong number is refused", async () => {
  const names = join(folder, "names.txt");
  writeFileSync(names, `${labels.map((label) => label.replace("thing", "name")).join("\r\n")}\r\n`);
  const { stdout } = await cli(["classify", PASTORAL, "-m", model, "--labels", names]);
  expect(stdout).toMatch(/name \d/);
  writeFileSync(names, "one\ntwo\n");
  const wrong = await cli(["classify", PASTORAL, "-m", model, "--labels", names]);
  expect(wrong.exitCode).toBe(2);
  expect(wrong.notes.join()).toContain("10 classes, but there are 2 labels");
});

test("control characters in names of files and classes do not reach the terminal", async () => {
  const evil = join(folder, "evil\u001b[31m.jpg");
  copyFileSync(PASTORAL, evil);
  const bad = join(folder, "bad\u001b[31m.jpg");
  writeFileSync(bad, "not a picture");
  const names = join(folder, "evil-names.txt");
  writeFileSync(names, labels.map((label) => `\u001b[2J${label}`).join("\n"));
  const run = await cli(["classify", evil, bad, "-m", model, "--labels", names]);
  expect(run.stdout).toContain("evil\\x1b[31m.jpg");
  expect(run.stdout).toContain("\\x1b[2Jthing");
  expect(run.notes.join()).toContain("bad\\x1b[31m.jpg");
  expect(run.stdout + run.notes.join()).not.toContain("\u001b");
});

test("an aborted run says so, with exit code 130", async () => {
  const { exitCode, notes } = await cli(["classify", PASTORAL, "-m", model], { signal: AbortSignal.abort() });
  expect(exitCode).toBe(130);
  expect(notes).toContain("saccade: stopped");
});
