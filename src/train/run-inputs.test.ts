import { expect, test } from "vitest";
import { LABELS, tinyRecipe } from "../../test/train/shapes.ts";
import { FormatError, SaccadeError } from "../errors.ts";
import { MemoryFiles } from "./run/memory-files.test-helper.ts";
import { runPaths } from "./run/run-folder.ts";
import {
  abandonRun,
  defaultRunFolder,
  type RunInputs,
  readRunInputs,
  requireSameData,
  writeRunInputs,
} from "./run-inputs.ts";
import { startingPoint } from "./start.ts";

const INPUTS: RunInputs = { data: "flowers", teacher: "t.onnx", training_pictures: 90, validation_pictures: 10 };

test("what was written is read; no file is no record, and another file is an error", async () => {
  const files = new MemoryFiles();
  await files.makeDirectory("/run");
  expect(await readRunInputs(files, "/run")).toBeUndefined();
  await writeRunInputs(files, "/run", INPUTS);
  expect(await readRunInputs(files, "/run")).toEqual(INPUTS);
  for (const text of ["{", '{"data": 3}']) {
    await files.writeAtomic("/run/inputs.json", text);
    await expect(readRunInputs(files, "/run")).rejects.toThrow(FormatError);
  }
});

test("data that changed is noticed: other classes, more pictures", () => {
  const { model } = startingPoint(tinyRecipe(), LABELS);
  expect(() => requireSameData(INPUTS, INPUTS, model, LABELS)).not.toThrow();
  expect(() => requireSameData(undefined, INPUTS, model, LABELS)).not.toThrow();
  const changed = (labels: readonly string[], now: RunInputs) => () => requireSameData(INPUTS, now, model, labels);
  expect(changed(["disc", "cross", "ring"], INPUTS)).toThrow(SaccadeError);
  expect(changed(["disc", "cross", "ring"], INPUTS)).toThrow(
    "its classes are disc, cross, ring, they were disc, cross, square",
  );
  expect(changed([...LABELS].reverse(), INPUTS)).toThrow(/its classes/);
  expect(changed(LABELS, { ...INPUTS, training_pictures: 91 })).toThrow("it has 91 training pictures, it had 90");
  expect(changed(LABELS, { ...INPUTS, validation_pictures: 9 })).toThrow("it has 9 validation pictures, it had 10");
});

test("runs without a name: the next folder that is free; resuming takes the last", async () => {
  const files = new MemoryFiles();
  const folders = async () => [
    await defaultRunFolder(files, "tiny", false),
    await defaultRunFolder(files, "tiny", true),
  ];
  expect(await folders()).toEqual(["runs/tiny", "runs/tiny"]);
  await files.makeDirectory("runs/tiny");
  await files.writeAtomic("runs/tiny/recipe.json", "{}");
  expect(await folders()).toEqual(["runs/tiny-2", "runs/tiny"]);
  // A run that failed before its first checkpoint leaves a folder without anything of its own.
  await files.makeDirectory("runs/tiny-2");
  await files.writeAtomic("runs/tiny-2/.DS_Store", "x");
  expect(await folders()).toEqual(["runs/tiny-2", "runs/tiny"]);
  await files.writeAtomic("runs/tiny-2/recipe.json", "{}");
  expect(await folders()).toEqual(["runs/tiny-3", "runs/tiny-2"]);
});

test("a run that failed before its first checkpoint is taken away, one with a checkpoint is not", async () => {
  const files = new MemoryFiles();
  const paths = runPaths(files, "/run");
  await files.makeDirectory("/run");
  for (const name of ["recipe.json", "inputs.json", "metrics.jsonl", ".DS_Store"])
    await files.writeAtomic(`/run/${name}`, "x");
  expect(await abandonRun(files, paths)).toBe(false);
  expect((await files.list("/run")).map(({ path }) => path)).toEqual([expect.stringMatching(/\.DS_Store$/)]);
  await files.makeDirectory("/run/checkpoints/checkpoint-0");
  await files.writeAtomic("/run/recipe.json", "x");
  expect(await abandonRun(files, paths)).toBe(true);
  expect(await files.stat("/run/recipe.json")).toBeDefined();
});
