// saccade pretrain: a run without labels, stopped and gone on with, and what comes of its model.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { nodeTrainingHost } from "../../src/platform/node/training-host.ts";
import { train } from "../../src/workflows/train.ts";
import { LABELS, TINY_CONFIG, writeShapes } from "../train/shapes.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";
import { checkpointSteps, errorOf, outcomeOf, writeRecipe } from "./train-cases.ts";

const folder = temporaryFolder();
const data = join(folder, "data");
const pictures = join(data, "train");
const recipe = join(folder, "turned.json");
const run = join(folder, "run");
const common = ["--workers", "1", "--threads", "1", "--device", "cpu"];

const pretrain = (args: readonly string[], signal?: AbortSignal) =>
  cli(["pretrain", ...args, ...common], signal === undefined ? {} : { signal });
const probed = [pictures, "--recipe", recipe, "--probe", data, "--probe-every", "1"];

beforeAll(async () => {
  await writeShapes(data, { train: 8, val: 4 });
  writeRecipe(recipe, { name: "turned", ema_decay: 0.9, pretext: { objective: "rotation" } });
});

test("a run: probes before, between and after epochs, and a model that says it knows no classes", async () => {
  const { exitCode, stdout, notes } = await pretrain([...probed, "--out", run, "--json"]);
  expect([exitCode, errorOf(notes)]).toEqual([0, expect.any(String)]);
  const lines = stdout.trimEnd().split("\n");
  const reports = lines.map((line) => JSON.parse(line));
  expect(reports.map(({ kind }) => kind)).toEqual(["probe", "train", "probe", "train", "probe", "done"]);
  expect(reports.filter(({ kind }) => kind === "probe").map(({ epochs, pictures: count }) => [epochs, count])).toEqual([
    [0, 12],
    [1, 12],
    [2, 12],
  ]);
  expect(notes).toContain(`${pictures}: 24 pictures without labels`);
  expect(notes.join("\n")).toMatch(/probe before the first epoch: a linear classifier on the features is right on /);
  expect(notes.join("\n")).toMatch(/epoch 1\/2 {2}loss \d\.\d+ {2}acc \d+\.\d %/);
  expect(notes.at(-1)).toContain(`saccade learn DATA --model ${join(run, "best")}`);
  const card = JSON.parse(readFileSync(join(run, "best", "config.json"), "utf8"));
  expect([card.pretext, card.labels, card.config.num_classes ?? card.config.proj_dim]).toEqual([
    "rotation",
    undefined,
    1,
  ]);
  const records = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
  expect(records.filter((line) => line.includes("probe_top1"))).toHaveLength(3);
});

test("stopped at once and gone on with, it comes to the same", async () => {
  const other = join(folder, "stopped");
  const stop = new AbortController();
  const timer = setInterval(() => {
    if (checkpointSteps(other).length > 0) stop.abort();
  }, 5);
  const broken = await pretrain([...probed, "--out", other], stop.signal);
  clearInterval(timer);
  expect([broken.exitCode, broken.notes.at(-2)]).toEqual([
    130,
    `saved; go on with: saccade pretrain --resume --out ${other}`,
  ]);
  expect((await pretrain(["--resume", "--out", other])).exitCode).toBe(0);
  expect(outcomeOf(other)).toEqual(outcomeOf(run));
});

test("classify refuses it; learn and train take it", async () => {
  const model = join(run, "best");
  const picture = join(data, "val", LABELS[0]!, "0.png");
  const refused = await cli(["classify", picture, "--model", model]);
  expect([refused.exitCode, errorOf(refused.notes)]).toEqual([
    2,
    expect.stringMatching(/was pre-trained without labels \(rotation\), and knows no classes yet\n {2}train it on/),
  ]);
  const learnt = join(folder, "learnt");
  expect((await cli(["learn", data, "--model", model, "--out", learnt, "--head", "ridge"])).exitCode).toBe(0);
  expect((await cli(["classify", picture, "--model", learnt])).exitCode).toBe(0);
  const plain = writeRecipe(join(folder, "plain.json"), { epochs: 1, config: TINY_CONFIG });
  const tuned = join(folder, "tuned");
  const after = await cli(["train", data, "--recipe", plain, "--from", model, "--out", tuned, ...common]);
  expect([after.exitCode, after.notes.some((line) => /^weights of .*; fresh: proj\./.test(line))]).toEqual([0, true]);
  expect((await cli(["classify", picture, "--model", join(tuned, "best")])).exitCode).toBe(0);
});

test("a run that learns classes has no use for a probe, and one without labels none for a teacher", async () => {
  const plain = writeRecipe(join(folder, "classes.json"));
  const out = join(folder, "none");
  const options = { folder: out, device: "cpu", threads: 1, workers: 1 } as const;
  await expect(train(nodeTrainingHost, data, { ...options, recipe: plain, probe: { data } })).rejects.toThrow(
    /measured by what it says of validation pictures/,
  );
  await expect(train(nodeTrainingHost, pictures, { ...options, recipe, teacher: "t.onnx" })).rejects.toThrow(
    /learns from the pictures alone/,
  );
  const lone = join(pictures, LABELS[0]!);
  await expect(train(nodeTrainingHost, pictures, { ...options, recipe, probe: { data: lone } })).rejects.toThrow(
    /have no labels/,
  );
});
