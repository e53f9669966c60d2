import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { assertWellFormed } from "../../src/evaluate/report/well-formed.test-helper.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);
const labels = ["red fox", "guinea pig", "blue <script>", ...Array.from({ length: 7 }, (_, i) => `thing ${i}`)];
const model = writeMini(folder, "sparseformer_v1_mini_64x64", { labels, licence: "CC0-1.0" });

/** Pictures of one colour each with a disc, so that no two are alike. */
async function writePicture(path: string, color: string, radius: number): Promise<void> {
  const svg = `<svg width="80" height="64"><rect width="80" height="64" fill="${color}"/><circle cx="30" cy="30" r="${radius}" fill="#fff"/></svg>`;
  await sharp(Buffer.from(svg)).png().toFile(path);
}

async function writeSplit(root: string, classes: readonly string[], count = 3): Promise<void> {
  for (const [i, name] of classes.entries()) {
    mkdirSync(join(root, name), { recursive: true });
    for (let k = 0; k < count; k++)
      await writePicture(join(root, name, `${k}.png`), ["#c33", "#3c3", "#33c"][i % 3]!, 4 + 6 * k);
  }
}

const CLASSES = ["Red_Fox", "guinea-pig", "blue <script>"];

beforeAll(async () => {
  await writeSplit(at("data", "val"), CLASSES);
  await writeSplit(at("data", "test"), CLASSES, 2);
  await writeSplit(at("data", "train"), CLASSES, 1);
  await writeSplit(at("strange"), ["gnu", "yak"]);
  await writeSplit(at("mixed", "val"), ["red fox", "yak"]);
});

test("--json gives fractions and nothing else, and agrees with classify", async () => {
  const { exitCode, stdout, notes } = await cli(["eval", model, at("data"), "--json"]);
  expect(exitCode).toBe(0);
  expect(notes.join("\n")).toContain("validation: 9 pictures of 3 classes");
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ count: 9, split: "validation", problems: [], gaze: null, unknown_labels: [] });
  expect(result.per_class.map(({ label }: { label: string }) => label)).toEqual(labels.slice(0, 3));
  const answers = await cli(["classify", at("data", "val"), "-m", model, "--json", "-k", "10"]);
  const rows = answers.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const truth = (path: string) => labels.findIndex((_, i) => path.includes(CLASSES[i] ?? "\0"));
  const ranks = rows.map(({ path, predictions }) =>
    predictions.findIndex(({ index }: { index: number }) => index === truth(path)),
  );
  expect(result.top1).toBe(ranks.filter((rank) => rank === 0).length / 9);
  expect(result.top5).toBe(ranks.filter((rank) => rank < 5).length / 9);
  const losses = rows.map(({ predictions }, i) => -Math.log(predictions[ranks[i]!].score));
  expect(result.loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 9, 5);
  const cells = result.confusion.counts.flat().concat(result.confusion.other);
  expect(cells.reduce((sum: number, count: number) => sum + count, 0)).toBe(9);
});

test("the batch size changes nothing", async () => {
  const runs = await Promise.all(
    ["1", "4", "32"].map(async (batch) =>
      JSON.parse((await cli(["eval", model, at("data"), "--json", "--batch", batch])).stdout),
    ),
  );
  for (const { top1, loss, ece } of runs) {
    expect([top1, ece.toFixed(5)]).toEqual([runs[0].top1, runs[0].ece.toFixed(5)]);
    expect(loss).toBeCloseTo(runs[0].loss, 5);
  }
});

test("splits: chosen, asked for, or the folder itself", async () => {
  const count = async (...args: string[]) => {
    const { exitCode, stdout } = await cli(["eval", model, ...args, "--json"]);
    expect(exitCode).toBe(0);
    const { count, split } = JSON.parse(stdout);
    return [count, split];
  };
  expect(await count(at("data"), "--split", "test")).toEqual([6, "test"]);
  expect(await count(at("data"), "--split", "train")).toEqual([3, "train"]);
  expect(await count(at("data", "val"))).toEqual([9, "validation"]);
  expect(await count(at("data", "val"), "--split", "validation")).toEqual([9, "validation"]);
  expect(await count(at("data"), "--limit", "4")).toEqual([4, "validation"]);
  const missing = await cli(["eval", model, at("mixed"), "--split", "test"]);
  expect(missing.exitCode).toBe(2);
  expect(missing.notes.join()).toContain("no test pictures");
});

test("a class may be called like a split", async () => {
  const root = at("vehicles", "val");
  await writeSplit(root, ["red fox", "train"]);
  const { exitCode, stdout } = await cli(["eval", model, root, "--json"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ count: 6, split: "validation", unknown_labels: ["train"] });
});

test("of undivided data all is measured, or what training held back", async () => {
  const root = at("undivided");
  await writeSplit(root, CLASSES, 4);
  const all = await cli(["eval", model, root, "--json"]);
  expect(JSON.parse(all.stdout)).toMatchObject({ count: 12, split: "train" });
  expect(all.notes.join()).toContain("--split validation");
  const part = await cli(["eval", model, root, "--json", "--validation-fraction", "0.5", "--seed", "3"]);
  expect(JSON.parse(part.stdout)).toMatchObject({ count: 6, split: "validation" });
});

test("a model in its run's folder is measured on what that run held back", async () => {
  const root = at("held-back");
  await writeSplit(root, CLASSES, 4);
  const run = at("run");
  cpSync(model, join(run, "best"), { recursive: true });
  writeFileSync(join(run, "recipe.json"), JSON.stringify({ seed: 3 }));
  writeFileSync(join(run, "metrics.jsonl"), "");
  const inputs = { data: root, training_pictures: 6, validation_pictures: 6, validation_fraction: 0.5 };
  writeFileSync(join(run, "inputs.json"), JSON.stringify(inputs));
  const measured = async (...args: readonly string[]) => {
    const { stdout } = await cli(["eval", join(run, "best"), root, "--json", ...args]);
    return JSON.parse(stdout);
  };
  expect(await measured("--split", "validation")).toMatchObject({ count: 6, split: "validation" });
  expect(await measured()).toMatchObject({ count: 12, split: "train" });
});

test("a report that cannot be written is refused before anything is measured", async () => {
  const nowhere = await cli(["eval", model, at("data"), "--report", at("nowhere", "report.html")]);
  expect([nowhere.exitCode, nowhere.stdout]).toEqual([1, ""]);
  expect(nowhere.notes.join("\n")).toMatch(/folder not found/);
  const folder = await cli(["eval", model, at("data"), "--report", at("data")]);
  expect([folder.exitCode, folder.stdout]).toEqual([2, ""]);
});

test("a label that the model does not know is said and counts as wrong; none known is a usage error", async () => {
  const { exitCode, stdout, notes } = await cli(["eval", model, at("mixed"), "--json"]);
  expect(exitCode).toBe(0);
  expect(notes.join("\n")).toMatch(/does not know the label yak: their 3 pictures count as wrong/);
  expect(JSON.parse(stdout)).toMatchObject({ count: 6, known: { count: 3 }, unknown_labels: ["yak"] });
  const none = await cli(["eval", model, at("strange")]);
  expect(none.exitCode).toBe(2);
  expect(none.stdout).toBe("");
  expect(none.notes.join()).toContain("gnu, yak");
});

test("corrupt pictures are named and left out; only corrupt ones are a failure", async () => {
  const root = at("torn", "val");
  await writeSplit(root, ["red fox", "guinea pig"]);
  writeFileSync(join(root, "red fox", "0.png"), readFileSync(join(root, "red fox", "0.png")).subarray(0, 60));
  const { exitCode, stdout, notes } = await cli(["eval", model, at("torn"), "--json"]);
  expect(exitCode).toBe(0);
  const { count, problems } = JSON.parse(stdout);
  expect(count).toBe(5);
  expect(problems).toHaveLength(1);
  expect(problems[0].name).toBe(join(root, "red fox", "0.png"));
  expect(notes.join("\n")).toContain(`left out: ${join(root, "red fox", "0.png")}`);
  mkdirSync(at("rubbish", "val", "red fox"), { recursive: true });
  writeFileSync(at("rubbish", "val", "red fox", "0.png"), "not a picture");
  const nothing = await cli(["eval", model, at("rubbish"), "--json"]);
  expect(nothing.exitCode).toBe(1);
  expect(nothing.stdout).toBe("");
  expect(nothing.notes.join()).toContain("none of the 1 pictures can be read");
});

test("boxes beside the split are found, and the gaze is measured", async () => {
  const boxes = Object.fromEntries(
    CLASSES.flatMap((name) => [0, 1].map((k) => [`${name}/${k}.png`, [10, 10, 49, 49]])),
  );
  writeFileSync(at("data", "val-boxes.json"), JSON.stringify(boxes));
  for (const args of [
    [at("data")],
    [at("data", "val")],
    [at("data", "val"), "--boxes", at("data", "val-boxes.json")],
  ]) {
    const { stdout } = await cli(["eval", model, ...args, "--json"]);
    const { gaze } = JSON.parse(stdout);
    expect(gaze.all).toMatchObject({ count: 6, box_share_of_picture: (40 * 40) / (80 * 64) });
    // The transform squeezes the whole picture into the view, so the shares are equal.
    expect(gaze.all.box_share_of_view).toBeCloseTo(gaze.all.box_share_of_picture, 12);
    expect(gaze.under_half.count).toBe(6);
    for (const { points, centres, gain } of gaze.all.stages) {
      expect(points.low <= points.mean && points.mean <= points.high).toBe(true);
      expect(centres.mean >= 0 && centres.mean <= 1).toBe(true);
      expect(gain.mean).toBeCloseTo(points.mean - gaze.all.box_share_of_view, 12);
    }
  }
  const { stdout } = await cli(["eval", model, at("data"), "--split", "test", "--json"]);
  expect(JSON.parse(stdout).gaze).toBeNull();
});

test("--views: measured on several views, which the JSON says; where it looks is measured on one", async () => {
  const crops = ["--transform", "resize_small(64)|central_crop(48)|normalize(imagenet)", "--views", "crops"];
  const { stdout, exitCode } = await cli(["eval", model, at("data"), ...crops, "--json"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ count: 9, views: "crops", gaze: null });
  const boxes = await cli(["eval", model, at("data"), ...crops, "--boxes", at("data", "val-boxes.json")]);
  expect([boxes.exitCode, boxes.notes.join("\n")]).toEqual([2, expect.stringContaining("its own view")]);
});

test("the table fits 80 columns", async () => {
  const { exitCode, stdout } = await cli(["eval", model, at("data")]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/top-1 +\d+\.\d %/);
  expect(stdout).toContain("where it looked");
  for (const line of stdout.split("\n").slice(1)) expect(line.length).toBeLessThanOrEqual(80);
});

test("the report is one well-formed file that loads nothing and escapes what it shows", async () => {
  const run = at("run");
  mkdirSync(join(run, "best"), { recursive: true });
  for (const name of ["config.json", "model.safetensors"]) copyFileSync(join(model, name), join(run, "best", name));
  writeFileSync(join(run, "recipe.json"), '{"seed": 5}');
  const record = (kind: string, step: number) =>
    JSON.stringify({ kind, step, epoch: 0, loss: 3 / step, top1: 0.1, accuracy: 0.1 });
  writeFileSync(
    join(run, "metrics.jsonl"),
    [1, 2, 3].map((step) => `${record("train", step)}\n`).join("") + record("eval", 3),
  );
  const out = at("report.html");
  const { exitCode, notes } = await cli(["eval", join(run, "best"), at("data"), "--report", out]);
  expect(exitCode).toBe(0);
  expect(notes.join()).toContain(`report: ${out}`);
  const page = readFileSync(out, "utf8");
  assertWellFormed(page);
  // A failed expectation would print megabytes of pictures, so they are taken out.
  const text = page.replace(/data:image\/png;base64,[\w+/=]+/g, "PICTURE");
  expect(text.match(/"PICTURE"/g)?.length).toBeGreaterThan(1);
  expect(text.match(/http|\bsrc="(?!PICTURE")|\bhref=|url\(|@import/i)?.[0]).toBeUndefined();
  expect(text.includes("blue &lt;script&gt;")).toBe(true);
  expect(text.match(/<script>/g)).toHaveLength(1);
  for (const title of [
    "Does it look at the object?",
    "What it takes for what",
    "Class by class",
    "Worst mistakes",
    "How it was trained",
  ])
    expect([title, text.includes(`<h2>${title}</h2>`)]).toEqual([title, true]);
});

test.each([
  [["--split", "dev"], 2, "Allowed choices"],
  [["--batch", "0"], 2, "at least 1"],
  [["--validation-fraction", "1.5"], 2, "between 0 and 1"],
  [["--boxes", "nowhere.json"], 1, "not found"],
  [["--transform", "enlarge(3)"], 2, "enlarge"],
  [["--report", join("nowhere", "at", "all.html")], 1, "not found"],
] as [string[], number, string][])("%j: exit code %i", async (extra, exitCode, message) => {
  const run = await cli(["eval", model, at("data"), ...extra]);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stdout).toBe("");
});

test("an aborted evaluation says so", async () => {
  const { exitCode } = await cli(["eval", model, PASTORAL], { signal: AbortSignal.abort() });
  expect([1, 130]).toContain(exitCode);
  const stopped = await cli(["eval", model, at("data")], { signal: AbortSignal.abort() });
  expect(stopped.exitCode).toBe(130);
});
