// Runs with a teacher that answers for every view: the same numbers however often they are stopped, and what cannot be done said at once.
import { expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { AbortedError, UsageError } from "../../src/errors.ts";
import { reduceMean } from "../../src/graph/build.ts";
import { trace } from "../../src/graph/scope.ts";
import { readModelFolder } from "../../src/model-folder/load.ts";
import { lower } from "../../src/onnx/lower.ts";
import type { Recipe } from "../../src/train/recipe-fields.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { openRun } from "../../src/train/run/run-folder.ts";
import { startingPoint } from "../../src/train/start.ts";
import { type TrainRunOptions, trainRun } from "../../src/train/train-run.ts";
import { createSession, FOLDER, outcome } from "./fit.ts";
import { EVERYTHING, LABELS, shapes, tinyRecipe, worker } from "./shapes.ts";

const TEACHER = "/colours.onnx";
const distillation = { weight: 0.8, transform: "resize(16,16,bicubic)|normalize(inception)", sees: "view" } as const;
const recipe = tinyRecipe({ ...EVERYTHING, distillation });

/** A teacher that tells colours: the mean of each channel. */
const colours = lower(
  trace((scope) => ({ features: reduceMean(scope.graph.input("pixels", ["batch", 3, 16, 16]), [2, 3]) })),
  {},
);

/** What is learnt from the teacher's features too, of pictures without labels among others. */
const withFeatures = tinyRecipe({ ...EVERYTHING, distillation: { ...distillation, features: 0.4 } });

interface Case extends Partial<Pick<TrainRunOptions, "onStep" | "onTaught" | "onTeacher" | "signal">> {
  readonly recipe?: Recipe;
  readonly resume?: boolean;
  readonly teacher?: string | undefined;
  readonly unlabelled?: Dataset;
}

/** Trains, or goes on, as `saccade train` does. */
async function run(files: MemoryFiles, { recipe: asked = recipe, resume, ...more }: Case = {}) {
  const teacher = "teacher" in more ? more.teacher : TEACHER;
  if (files.entries.get("/colours.onnx") === undefined) await files.writeAtomic(TEACHER, colours);
  const train = shapes(12);
  return trainRun({
    ...more,
    recipe: asked,
    folder: FOLDER,
    ...(resume === true ? { resumed: await openRun(files, FOLDER, { recipe: asked }) } : {}),
    model: startingPoint(asked, LABELS).model,
    train,
    inputs: { data: "shapes", training_pictures: train.length, validation_pictures: 0, ...(teacher && { teacher }) },
    files,
    createSession,
    createWorkers: () => [worker()],
  });
}

async function outcomeOf(files: MemoryFiles) {
  return { ...(await outcome(files)), teacher: await files.read(`${FOLDER}/teacher.safetensors`) };
}

async function unbroken(of: Case = {}) {
  const files = new MemoryFiles();
  await run(files, of);
  return outcomeOf(files);
}

const reference = unbroken();

test("the teacher's opinion of views is learnt, and not that of pictures", async () => {
  const files = new MemoryFiles();
  const accuracies: number[] = [];
  await run(files, {
    recipe: tinyRecipe({ ...EVERYTHING, distillation: { ...distillation, sees: "picture" } }),
    onTaught: (accuracy) => accuracies.push(accuracy),
  });
  expect(accuracies).toEqual([expect.any(Number)]);
  expect((await outcomeOf(files)).metrics).not.toEqual((await reference).metrics);
});

test.each([
  ["while the teacher's classifier is fitted", -1],
  ["in the middle of an epoch", 2],
  ["after an epoch", 4],
])("stopped %s and begun or gone on with again", async (_, stopAfter) => {
  const files = new MemoryFiles();
  const stop = new AbortController();
  const broken = run(files, {
    signal: stop.signal,
    onTeacher: () => {
      if (stopAfter < 0) stop.abort();
    },
    onStep: ({ step }) => {
      if (step === stopAfter) stop.abort();
    },
  });
  await expect(broken).rejects.toThrow(AbortedError);
  const resume = stopAfter >= 0;
  expect(files.entries.has("/run/recipe.json")).toBe(resume);
  const accuracies: number[] = [];
  await run(files, { resume, onTaught: (accuracy) => accuracies.push(accuracy) });
  // What was fitted before is not fitted again.
  expect(accuracies.length).toBe(resume ? 0 : 1);
  expect(await outcomeOf(files)).toEqual(await reference);
});

test("features of pictures with and without labels are learnt, stopped or not, and the model has nothing of it", async () => {
  const learnt: Case = { recipe: withFeatures, unlabelled: shapes(5) };
  const whole = await unbroken(learnt);
  expect(whole.metrics).not.toEqual((await reference).metrics);
  const files = new MemoryFiles();
  const stop = new AbortController();
  const broken = run(files, { ...learnt, signal: stop.signal, onStep: ({ step }) => step === 2 && stop.abort() });
  await expect(broken).rejects.toThrow(AbortedError);
  await run(files, { ...learnt, resume: true });
  expect(await outcomeOf(files)).toEqual(whole);
  const model = await readModelFolder(files, "/run/last");
  expect([...model.weights.keys()].filter((name) => name.startsWith("distillation"))).toEqual([]);
});

test.each([
  ["no teacher", { recipe: withFeatures, teacher: undefined }],
  ["one that sees pictures", { recipe: tinyRecipe({ distillation: { transform: distillation.transform } }) }],
])("pictures without labels are of no use with %s", async (_, changes) => {
  const files = new MemoryFiles();
  await expect(run(files, { ...changes, unlabelled: shapes(5) })).rejects.toThrow(/pictures without labels/);
  expect(files.entries.has("/run/recipe.json")).toBe(false);
});

test("a run does not go on with another teacher", async () => {
  const files = new MemoryFiles();
  const stop = new AbortController();
  const broken = run(files, { signal: stop.signal, onStep: () => stop.abort() });
  await expect(broken).rejects.toThrow(AbortedError);
  const other = lower(
    trace((scope) => ({ features: reduceMean(scope.graph.input("x", ["n", 3, 16, 16]), [2, 3]) })),
    {},
  );
  await files.writeAtomic(TEACHER, other);
  await expect(run(files, { resume: true })).rejects.toMatchObject({ code: "teacher_differs" });
  // It can still go on with its own.
  await files.writeAtomic(TEACHER, colours);
  await run(files, { resume: true });
  expect(await outcomeOf(files)).toEqual(await reference);
});

test("what a teacher said about pictures cannot answer for views", async () => {
  const files = new MemoryFiles();
  const opinions = run(files, { teacher: "/teacher.safetensors" });
  await expect(opinions).rejects.toThrow(UsageError);
  await expect(opinions).rejects.toThrow(/answers for each view, and \/teacher\.safetensors is no model/);
  expect(files.entries.has("/run")).toBe(false);
});
