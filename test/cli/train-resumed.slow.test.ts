// What a run that is resumed remembers: what its teacher said, threads, device.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { reduceMean } from "../../src/graph/build.ts";
import { trace } from "../../src/graph/scope.ts";
import { lower } from "../../src/onnx/lower.ts";
import { writeShapes } from "../train/shapes.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";
import { errorOf, writeRecipe } from "./train-cases.ts";

const folder = temporaryFolder();
const data = join(folder, "data");
const recipe = join(folder, "tiny.json");
const train = (args: readonly string[]) =>
  cli(["train", ...args, "--workers", "1", "--threads", "1", "--device", "cpu"]);

beforeAll(async () => {
  await writeShapes(data, { train: 8, val: 4 });
  writeRecipe(recipe, { ema_decay: 0.9, mixup: 0.2, distillation: { transform: "resize(16,16)|normalize(imagenet)" } });
});

test("a teacher is asked once; a resumed run remembers what it said", async () => {
  const run = join(folder, "taught");
  const teacher = join(folder, "teacher.onnx");
  const graph = trace((scope) => {
    const image = scope.graph.input("pixels", ["batch", 3, 16, 16]);
    return { features: reduceMean(image, [2, 3]) };
  });
  writeFileSync(teacher, lower(graph, {}));
  const first = await train([data, "--recipe", recipe, "--teacher", teacher, "--out", run]);
  expect(first.exitCode).toBe(0);
  expect(first.notes.join("\n")).toMatch(
    /teacher: a linear classifier over its features is right on \d+\.\d % of pictures that it was not fitted to/,
  );
  const other = await train(["--resume", "--out", run, "--teacher", `${teacher}.other`]);
  expect([other.exitCode, errorOf(other.notes)]).toEqual([2, expect.stringMatching(/goes on with what its teacher/)]);
  rmSync(teacher);
  const again = await train(["--resume", "--out", run]);
  expect(again.exitCode).toBe(0);
  expect(again.notes.join("\n")).not.toMatch(/linear classifier/);
});

test("a recipe that says nothing of a teacher learns from one all the same, and a resumed run does so too", async () => {
  const run = join(folder, "usual lesson");
  const plain = writeRecipe(join(folder, "plain.json"), { epochs: 1 });
  const teacher = join(folder, "small-teacher.onnx");
  const graph = trace((scope) => {
    const image = scope.graph.input("pixels", ["batch", 3, 16, 24]);
    return { features: reduceMean(image, [2, 3]) };
  });
  writeFileSync(teacher, lower(graph, {}));
  const { exitCode, notes } = await train([data, "--recipe", plain, "--teacher", teacher, "--out", run]);
  expect([exitCode, notes.filter((line) => /^saccade:/.test(line))]).toEqual([0, []]);
  const transform = "resize(24,16,bicubic)|normalize(imagenet)";
  expect(notes.join("\n")).toContain(
    `half of each target is its opinion, softened by 2; it sees ${transform}, which is a guess`,
  );
  const { distillation } = JSON.parse(readFileSync(join(run, "recipe.json"), "utf8"));
  expect(distillation).toEqual({ weight: 0.5, temperature: 2, transform });
  expect((await train(["--resume", "--recipe", plain, "--out", run])).exitCode).toBe(0);
});

test("a resumed run remembers threads and device, and says when it is to go on with others", async () => {
  const run = join(folder, "remembered");
  const short = writeRecipe(join(folder, "short.json"), { epochs: 1 });
  const begun = await cli([
    "train",
    data,
    "--recipe",
    short,
    "--out",
    run,
    "--workers",
    "1",
    "--threads",
    "1",
    "--device",
    "wasm",
  ]);
  expect(begun.exitCode).toBe(0);
  const remembered = () => JSON.parse(readFileSync(join(run, "inputs.json"), "utf8"));
  expect(remembered()).toMatchObject({ threads: 1, device: "wasm", computed_on: "wasm" });
  const resume = (...args: readonly string[]) => cli(["train", "--resume", "--out", run, "--workers", "1", ...args]);
  const same = await resume();
  expect([same.exitCode, same.notes.filter((line) => /slightly other numbers/.test(line))]).toEqual([0, []]);
  const other = await resume("--threads", "2", "--device", "cpu");
  expect([other.exitCode, other.notes.filter((line) => /slightly other numbers/.test(line))]).toEqual([
    0,
    [
      expect.stringMatching(/^the run began with --threads 1: with 2, /),
      "the run was computed on wasm and goes on on cpu, to slightly other numbers",
    ],
  ]);
});
