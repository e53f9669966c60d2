import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { shellWord } from "../../src/cli/train-progress.ts";
import { reduceMean } from "../../src/graph/build.ts";
import { trace } from "../../src/graph/scope.ts";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { toyOf } from "../registry-toys.ts";
import { LABELS, writeShapes } from "../train/shapes.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";
import { checkpointSteps, errorOf, outcomeOf, writeRecipe } from "./train-cases.ts";

const folder = temporaryFolder();
const data = join(folder, "data");
const recipe = join(folder, "tiny.json");
const common = ["--workers", "1", "--threads", "1", "--device", "cpu"];

const train = (args: readonly string[], signal?: AbortSignal) =>
  cli(["train", ...args, ...common], signal === undefined ? {} : { signal });

beforeAll(async () => {
  await writeShapes(data, { train: 8, val: 4 });
  writeRecipe(recipe, { ema_decay: 0.9, mixup: 0.2, distillation: { transform: "resize(16,16)|normalize(imagenet)" } });
});

describe("a run", () => {
  const run = join(folder, "run");

  test("--json: only JSON on stdout, what is for people on stderr, and a folder with everything", async () => {
    const relativeData = relative(process.cwd(), data);
    const { exitCode, stdout, notes } = await train([relativeData, "--recipe", recipe, "--out", run, "--json"]);
    expect([exitCode, notes.filter((line) => /unexpected/.test(line))]).toEqual([0, []]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ kind }) => kind)).toEqual(["train", "eval", "train", "eval", "done"]);
    expect(lines[0]).toMatchObject({ epoch: 0, step: 3, totalSteps: 6, batchSize: 8 });
    expect(lines[0].waitShare).toBeGreaterThanOrEqual(0);
    expect(lines[1].top1).toBeGreaterThanOrEqual(0);
    expect(lines[4]).toMatchObject({
      folder: run,
      model: join(run, "best"),
      best: { pictures: 12 },
      last: { epoch: 1 },
    });
    expect(notes.join("\n")).toMatch(/epoch 2\/2 {2}loss \d\.\d+ {2}val \d\.\d+ {2}top-1 .* {2}waited \d+ %/);
    expect(notes.slice(-4)).toEqual([
      expect.stringMatching(/^best: epoch \d, top-1 .* of 12 validation pictures \(95 % interval \d+ to \d+ %\)$/),
      expect.stringMatching(/same model$|^use best\/, not last\//),
      `try it: saccade classify PICTURE --model ${join(run, "best")}`,
      `see what it gets wrong: saccade eval ${join(run, "best")} ${relativeData} --split validation --report report.html`,
    ]);
    expect(readdirSync(run).sort()).toEqual([
      "best",
      "checkpoints",
      expect.stringMatching(/^events\.out\.tfevents\./),
      "inputs.json",
      "last",
      "metrics.jsonl",
      "recipe.json",
    ]);
    expect(JSON.parse(readFileSync(join(run, "inputs.json"), "utf8"))).toEqual({
      data,
      training_pictures: 24,
      validation_pictures: 12,
      device: "cpu",
      computed_on: "cpu",
      threads: 1,
    });
  });

  test("its best model classifies with its own labels", async () => {
    const picture = join(data, "val", LABELS[0]!, "0.png");
    const { exitCode, stdout } = await cli(["classify", picture, "--model", join(run, "best"), "--json"]);
    expect(exitCode).toBe(0);
    expect(
      JSON.parse(stdout)
        .predictions.map(({ label }: { label: string }) => label)
        .sort(),
    ).toEqual([...LABELS].sort());
  });

  test("stopped by a signal: exit code 130, how to go on, and the same numbers in the end", async () => {
    const other = join(folder, "stopped run");
    const stop = new AbortController();
    // The run stops after its first step: the signal fires as soon as the run's folder has a checkpoint.
    const timer = setInterval(() => {
      if (checkpointSteps(other).length > 0) stop.abort();
    }, 5);
    const broken = await train([data, "--recipe", recipe, "--out", other], stop.signal);
    clearInterval(timer);
    expect(broken.exitCode).toBe(130);
    expect(broken.notes.slice(-2)).toEqual([
      `saved; go on with: saccade train --resume --out ${shellWord(other)}`,
      "saccade: stopped",
    ]);
    const resumed = await train(["--resume", "--out", other]);
    expect(resumed.exitCode).toBe(0);
    expect(resumed.notes.join("\n")).toMatch(/going on after step \d+ of the run in /);
    expect(outcomeOf(other)).toEqual(outcomeOf(run));
  });

  test("a folder that holds a run is not written over", async () => {
    const { exitCode, notes } = await train([data, "--recipe", recipe, "--out", run]);
    expect(exitCode).toBe(2);
    expect(errorOf(notes)).toMatch(/holds a run already\n {2}go on with it: --resume/);
  });

  test("a folder that another process trains in is left alone", async () => {
    const held = await nodeHost.files.lock(run);
    const before = outcomeOf(run);
    writeFileSync(join(run, ".metrics.jsonl.1.a.tmp"), "the other process is writing it");
    const { exitCode, notes } = await train(["--resume", "--out", run]);
    expect(exitCode).toBe(1);
    expect(errorOf(notes)).toMatch(/is in use: process \d+ on .*\n {2}wait for it or stop it/);
    expect(outcomeOf(run)).toEqual(before);
    expect(existsSync(join(run, ".metrics.jsonl.1.a.tmp"))).toBe(true);
    await held[Symbol.asyncDispose]();
    expect((await train(["--resume", "--out", run])).exitCode).toBe(0);
    expect(existsSync(join(run, ".metrics.jsonl.1.a.tmp"))).toBe(false);
  });

  test("another recipe, or other data, is not gone on with", async () => {
    const differs = await train(["--resume", "--out", run, "--seed", "5"]);
    expect(differs.exitCode).toBe(1);
    expect(errorOf(differs.notes)).toMatch(/seed: 3 before, 5 now/);
    const fewer = await writeShapes(join(folder, "fewer"), { train: 7, val: 4 });
    const changed = await train([fewer, "--resume", "--out", run]);
    expect(changed.exitCode).toBe(1);
    expect(errorOf(changed.notes)).toMatch(/not the data .*: it has 21 training pictures, it had 24/);
    const teacher = await train(["--resume", "--out", run, "--teacher", "t.onnx"]);
    expect(teacher.exitCode).toBe(2);
    expect(errorOf(teacher.notes)).toMatch(/began without a teacher/);
  });

  test("data that has moved is asked for", async () => {
    renameSync(data, `${data} elsewhere`);
    const lost = await train(["--resume", "--out", run]);
    renameSync(`${data} elsewhere`, data);
    expect(lost.exitCode).toBe(1);
    expect(errorOf(lost.notes)).toContain(
      `the run's data not found: ${data}\n  say where it is now: saccade train DATA`,
    );
  });

  test("--from: a fresh last layer for other labels", async () => {
    const renamed = join(folder, "renamed");
    await writeShapes(renamed, { train: 4 });
    rmSync(join(renamed, "train", "disc"), { recursive: true });
    const from = join(run, "best");
    const { exitCode, notes } = await train([
      renamed,
      "--recipe",
      recipe,
      "--from",
      from,
      "--epochs",
      "1",
      "--batch",
      "4",
      "--out",
      join(folder, "tuned"),
    ]);
    expect(exitCode).toBe(0);
    expect(notes).toContain(`weights of ${from}; fresh: proj.weight, proj.bias`);
  });

  test("--from a model of another architecture, without a recipe: as the bundled one's, for that model and its size", async () => {
    const from = join(folder, "resnet");
    const definition = defineModel("resnet18", { ...toyOf("resnet18").config, input_size: 32 });
    const weights = initialWeights(inferenceGraph(definition), 3);
    await writeModelFolder(nodeHost.files, from, nativeModel(definition, weights, { name: "toy" }));
    const out = join(folder, "of another kind");
    const { exitCode, notes } = await train([data, "--from", from, "--epochs", "1", "--out", out]);
    expect([exitCode, errorOf(notes)]).toEqual([0, expect.any(String)]);
    expect(notes.join("\n")).toMatch(/no recipe was named, so fine-tune: it fine-tunes the model .* at 32 px/);
    expect(notes).toContain(`weights of ${from}; fresh: fc.weight, fc.bias`);
    expect(JSON.parse(readFileSync(join(out, "recipe.json"), "utf8"))).toMatchObject({
      architecture: "resnet",
      transform: "resize(36,36,bicubic)|central_crop(32,32)|normalize(imagenet)",
    });
  });
});

describe("what goes wrong says what to do, and leaves no folder behind", () => {
  const out = join(folder, "failed");
  const onnx = (name: string, output: string) => {
    const graph = trace((scope) => {
      const image = scope.graph.input("pixels", ["batch", 3, 16, 16]);
      return { [output]: reduceMean(image, [2, 3]) };
    });
    writeFileSync(join(folder, name), lower(graph, {}));
    return join(folder, name);
  };

  const expectFailure = async (args: readonly string[], exitCode: number, message: RegExp) => {
    const result = await train([...args, "--out", out]);
    expect(errorOf(result.notes)).toMatch(message);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toBe("");
    expect(existsSync(out)).toBe(false);
  };

  test("data", async () => {
    await expectFailure([], 2, /no data was given/);
    await expectFailure([join(folder, "nowhere")], 1, /data not found/);
    const test = await writeShapes(join(folder, "only-val"), { val: 2 });
    await expectFailure([test], 1, /only-val: there are no training pictures/);
    const one = await writeShapes(join(folder, "one"), { train: 2 });
    for (const label of LABELS.slice(1)) rmSync(join(one, "train", label), { recursive: true });
    await expectFailure([one, "--recipe", recipe], 1, /all training pictures are of one class \(disc\)/);
    await expectFailure(
      [data, "--recipe", recipe, "--batch", "64"],
      2,
      /the 24 training pictures do not fill one batch of 64\n {2}make the batch smaller: --batch 4/,
    );
  });

  test("recipes", async () => {
    await expectFailure([data, "--recipe", "everday"], 1, /recipe not found: everday\n {2}did you mean everyday\?/);
    await expectFailure([data, "--recipe", join(folder, "nowhere.json")], 1, /not found/);
    writeFileSync(join(folder, "broken.json"), "{ epochs: 3 }");
    await expectFailure([data, "--recipe", join(folder, "broken.json")], 1, /broken\.json: this is not valid JSON/);
    const wrong = writeRecipe(join(folder, "wrong.json"), { epochs: 0 });
    await expectFailure([data, "--recipe", wrong], 2, /the recipe is not valid: .*epochs/);
    const unknown = writeRecipe(join(folder, "unknown.json"), { architecture: "perceiver" });
    await expectFailure([data, "--recipe", unknown], 1, /model not found: perceiver/);
    await expectFailure([data, "--recipe", recipe, "--learning-rate", "fast"], 2, /--help/);
    await expectFailure([data, "--recipe", recipe, "--learning-rate", "1e6"], 2, /learning_rate/);
  });

  test("teachers", async () => {
    await expectFailure([data, "--recipe", recipe, "--teacher", join(folder, "nowhere.onnx")], 1, /not found/);
    await expectFailure(
      [data, "--recipe", recipe, "--teacher", onnx("logits.onnx", "logits")],
      1,
      /logits\.onnx: this model has no output named features/,
    );
  });

  test("a run goes on with the models that it began with", async () => {
    const run = join(folder, "run");
    const resume = (...args: readonly string[]) => train(["--resume", "--out", run, ...args]);
    const { exitCode, notes } = await resume("--from", join(folder, "stopped run", "best"));
    expect([exitCode, errorOf(notes)]).toEqual([
      2,
      expect.stringMatching(/began with fresh weights.*\n {2}leave --from out/),
    ]);
    const taught = await resume("--teacher", onnx("t.onnx", "features"));
    expect([taught.exitCode, errorOf(taught.notes)]).toEqual([2, expect.stringMatching(/began without a teacher/)]);
  });

  test("nothing to resume", async () => {
    await expectFailure(["--resume"], 1, /run not found: .*failed\n {2}.*nothing to resume here/);
    mkdirSync(out);
    const result = await train([data, "--resume", "--out", out]);
    rmSync(out, { recursive: true });
    expect(errorOf(result.notes)).toMatch(/run not found/);
  });
});

test("pictures that do not fill a batch: a smaller one, in one line, also when the run is resumed by its recipe's name", async () => {
  const run = join(folder, "few");
  const large = writeRecipe(join(folder, "large.json"), { epochs: 1, batch: 32 });
  const { exitCode, notes } = await train([data, "--recipe", large, "--out", run]);
  expect(exitCode).toBe(0);
  expect(notes).toContain("24 training pictures do not fill a batch of 32: batches of 4");
  expect(JSON.parse(readFileSync(join(run, "recipe.json"), "utf8")).batch).toBe(4);
  expect((await train(["--resume", "--recipe", large, "--out", run])).exitCode).toBe(0);
});

test("a recipe says where it begins; --from scratch begins with nothing", async () => {
  const from = join(folder, "run", "best");
  const named = writeRecipe(join(folder, "with-from.json"), { epochs: 1, from });
  const weights = (notes: readonly string[]) => notes.filter((line) => line.startsWith("weights of"));
  const first = await train([data, "--recipe", named, "--out", join(folder, "from-recipe")]);
  expect([first.exitCode, weights(first.notes)]).toEqual([0, [`weights of ${from}; fresh: none`]]);
  const fresh = await train([data, "--recipe", named, "--from", "scratch", "--out", join(folder, "from-scratch")]);
  expect([fresh.exitCode, weights(fresh.notes)]).toEqual([0, []]);
});

test("a folder for validation without a picture is as none", async () => {
  const bare = await writeShapes(join(folder, "bare"), { train: 5 });
  mkdirSync(join(bare, "val", LABELS[0]!), { recursive: true });
  const args = ["--recipe", recipe, "--epochs", "1", "--out", join(folder, "unscored")];
  const { exitCode, notes } = await train([bare, ...args]);
  expect(exitCode).toBe(0);
  expect(notes).toContainEqual(expect.stringMatching(/^validation was split off train: 0.1 of every class, seed \d/));
  const none = await train([bare, ...args.slice(0, -1), join(folder, "unmeasured"), "--validation-fraction", "0"]);
  expect([none.exitCode, none.notes.filter((line) => /^saccade:|^best:/.test(line))]).toEqual([0, []]);
});

test("a class of which no picture can be read is named before anything is trained", async () => {
  const torn = await writeShapes(join(folder, "torn"), { train: 4, val: 2 });
  for (let i = 0; i < 4; i++) writeFileSync(join(torn, "train", "disc", `${i}.png`), "no picture");
  const out = join(folder, "never");
  const { exitCode, notes } = await train([torn, "--recipe", recipe, "--out", out]);
  expect(exitCode).toBe(1);
  expect(errorOf(notes)).toMatch(/not one of the 4 pictures of the class "disc" can be read: .*disc\/0\.png/);
  expect(existsSync(out)).toBe(false);
  mkdirSync(join(torn, "train", "empty"));
  expect(errorOf((await train([torn, "--recipe", recipe, "--out", out])).notes)).toMatch(
    /there is no picture in the class folder .*empty/,
  );
});

test("pictures that cannot be read are listed at the end, once each", async () => {
  const damaged = await writeShapes(join(folder, "damaged"), { train: 8, val: 4 });
  writeFileSync(join(damaged, "train", "disc", "3.png"), "this is no picture");
  writeFileSync(join(damaged, "val", "cross", "1.png"), "nor is this");
  const { exitCode, notes } = await train([
    damaged,
    "--recipe",
    recipe,
    "--epochs",
    "1",
    "--out",
    join(folder, "with-problems"),
  ]);
  expect(exitCode).toBe(0);
  const problems = notes.filter((line) => line.startsWith("left out: "));
  expect(problems).toHaveLength(2);
  expect(problems[0]).toMatch(/train\/disc\/3\.png: /);
  expect(problems[1]).toMatch(/val\/cross\/1\.png: /);
});

test("a run that diverges says where, ends with 1, and keeps a checkpoint that loads", async () => {
  const run = join(folder, "diverged");
  const wild = writeRecipe(join(folder, "wild.json"), {
    optimizer: "sgd",
    learning_rate: 100,
    warmup_epochs: 0,
    weight_decay: 0,
    clip_norm: undefined,
    epochs: 20,
  });
  const { exitCode, notes } = await train([data, "--recipe", wild, "--out", run]);
  expect(exitCode).toBe(1);
  expect(errorOf(notes)).toMatch(/^saccade: step \d+: the (loss|gradient of [\w.]+) is /);
  expect(checkpointSteps(run).length).toBeGreaterThan(0);
  const picture = join(data, "val", LABELS[0]!, "0.png");
  const newest = readdirSync(join(run, "checkpoints")).at(-1)!;
  const classified = await cli(["classify", picture, "--model", join(run, "checkpoints", newest), "--json"]);
  expect(classified.exitCode).toBe(0);
});
