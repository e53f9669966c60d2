import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FormatError, NotFoundError, type SaccadeError, UsageError } from "../../errors.ts";
import { readModelFolder } from "../../model-folder/load.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import type { Files } from "../../platform/host.ts";
import { nodeFiles } from "../../platform/node/files.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import { MemoryFiles } from "./memory-files.test-helper.ts";
import { recipeDifferences, recipeFingerprint } from "./recipe-difference.ts";
import { cleanRun, createRun, openRun, type Run, writeRunModel } from "./run-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-run-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const definition = defineModel("sparseformer", {
  conv_dim: 4,
  num_latent_tokens: 2,
  num_sampling_points: 4,
  width_configs: [8],
  repeats: [1],
  ops_list: [["SAMPLING_M", "ATTN", "MLP"]],
  proj_dim: 3,
  attn_head_dim: 8,
  compatible_config: { pg_inner_dim: 4, min_out_points: 1 },
});
const model: NativeModel = {
  kind: "native",
  card: { name: "small" },
  definition,
  weights: initialWeights(inferenceGraph(definition), 1),
};
const recipe = { epochs: 3, optimizer: { name: "adamw", rate: 5e-4 }, sizes: [1, 2], workers: 2, absent: undefined };

async function checkpointed(files: Files, run: Run, step = 4): Promise<void> {
  const { recipeFingerprint } = run;
  const progress = { step, epoch: 0, batchesDone: step, seeds: { order: 1 }, recipeFingerprint };
  await saveCheckpoint(files, run.paths.checkpoints, { model, optimizer: new Map(), progress });
}

test("a run from its beginning to its resumption, on a disk", async () => {
  const place = join(folder, "runs", "first");
  const run = await createRun(nodeFiles, place, recipe);
  await checkpointed(nodeFiles, run);
  await writeRunModel(nodeFiles, run, "best", model);
  await writeRunModel(nodeFiles, run, "best", model);
  writeFileSync(join(place, ".metrics.jsonl.1.a.tmp"), "half");
  writeFileSync(join(place, "best", ".model.safetensors.1.a.tmp"), "half");
  await nodeFiles.makeDirectory(join(run.paths.checkpoints, "checkpoint-9.tmp"));
  const resumed = await openRun(nodeFiles, place, { recipe });
  expect(resumed.paths).toEqual(run.paths);
  expect(resumed.recipe).toEqual({
    epochs: 3,
    optimizer: { name: "adamw", rate: 5e-4 },
    sizes: [1, 2],
    workers: 2,
  });
  expect(resumed.progress.step).toBe(4);
  expect(readdirSync(run.paths.checkpoints)).toEqual(["checkpoint-4", "checkpoint-9.tmp"]); // whoever has it may be writing
  await cleanRun(nodeFiles, run.paths);
  expect(readdirSync(place)).toEqual(["best", "checkpoints", "recipe.json"]);
  expect(readdirSync(run.paths.best)).toEqual(["config.json", "model.safetensors"]);
  expect(readdirSync(run.paths.checkpoints)).toEqual(["checkpoint-4"]);
  expect((await readModelFolder(nodeFiles, run.paths.best)).weights).toEqual(model.weights);
});

describe("a new run", () => {
  test("begins in an empty folder, or one with hidden files only", async () => {
    const files = new MemoryFiles();
    await files.makeDirectory("/run");
    await files.writeAtomic("/run/.DS_Store", "");
    await createRun(files, "/run", recipe);
    expect(files.names("/run")).toEqual([".DS_Store", "recipe.json"]);
  });

  test("touches no folder with anything in it", async () => {
    const files = new MemoryFiles();
    await files.makeDirectory("/photos");
    await files.writeAtomic("/photos/cat.jpg", "");
    const refusal = (place: string) => createRun(files, place, recipe).catch((error: SaccadeError) => error);
    expect(await refusal("/photos")).toMatchObject({ message: expect.stringMatching(/not a run/) });
    expect(await refusal("/photos/cat.jpg")).toBeInstanceOf(UsageError);
    const run = await createRun(files, "/run", recipe);
    expect(await refusal("/run")).toMatchObject({ hint: expect.stringMatching(/delete it/) });
    await checkpointed(files, run);
    expect(await refusal("/run")).toMatchObject({
      message: "/run holds a run already",
      hint: expect.stringMatching(/--resume/),
    });
    expect(files.names("/photos")).toEqual(["cat.jpg"]);
  });
});

describe("nothing to go on with", () => {
  test("no folder, no run, no checkpoint, no JSON", async () => {
    const files = new MemoryFiles();
    await expect(openRun(files, "/none")).rejects.toBeInstanceOf(NotFoundError);
    await files.makeDirectory("/photos");
    await expect(openRun(files, "/photos")).rejects.toMatchObject({ hint: expect.stringMatching(/recipe\.json/) });
    await createRun(files, "/run", recipe);
    await expect(openRun(files, "/run")).rejects.toMatchObject({ hint: expect.stringMatching(/before its first/) });
    await files.writeAtomic("/photos/recipe.json", "{");
    await expect(openRun(files, "/photos")).rejects.toBeInstanceOf(FormatError);
  });
});

describe("another recipe", () => {
  const other = { ...recipe, epochs: 5, optimizer: { name: "adamw", decay: 0.1 }, sizes: [1, 3], workers: 8 };

  test("the fields are listed", async () => {
    const files = new MemoryFiles();
    await checkpointed(files, await createRun(files, "/run", recipe));
    const error = await openRun(files, "/run", { recipe: other, mayDiffer: ["workers"] }).catch((e) => e);
    expect(error.code).toBe("recipe_differs");
    expect(error.message.split("\n")).toEqual([
      "the run in /run follows another recipe",
      "  epochs: 3 before, 5 now",
      "  optimizer.decay: not given before, 0.1 now",
      "  optimizer.rate: 0.0005 before, not given now",
      "  sizes.1: 2 before, 3 now",
    ]);
    const allowed = ["workers", "epochs", "optimizer", "sizes"];
    expect((await openRun(files, "/run", { recipe: other, mayDiffer: allowed })).recipe).toMatchObject({ epochs: 3 });
  });

  test("a recipe.json that was changed by hand", async () => {
    const files = new MemoryFiles();
    await checkpointed(files, await createRun(files, "/run", recipe));
    await files.writeAtomic("/run/recipe.json", JSON.stringify(other));
    await expect(openRun(files, "/run")).rejects.toThrow(/not the recipe that the checkpoints were made with/);
  });

  test("order does not matter, emptiness does", () => {
    const same = { workers: 2, sizes: [1, 2], optimizer: { rate: 5e-4, name: "adamw" }, epochs: 3 };
    expect(recipeFingerprint(same)).toBe(recipeFingerprint(recipe));
    expect(recipeFingerprint(same)).toMatch(/^[0-9a-f]{16}$/);
    expect(recipeFingerprint(other)).not.toBe(recipeFingerprint(recipe));
    expect(recipeDifferences({ a: [], b: {} }, { a: {}, b: {} })).toEqual([{ field: "a", before: [], now: {} }]);
    expect(recipeDifferences({ a: 1 }, { a: { b: 1 } }).map(({ field }) => field)).toEqual(["a", "a.b"]);
  });
});
