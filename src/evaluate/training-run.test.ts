import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeFiles as files } from "../platform/node/files.ts";
import { findTrainingRun } from "./training-run.ts";

const root = mkdtempSync(join(tmpdir(), "saccade-run-"));
afterAll(() => rmSync(root, { recursive: true }));

async function writeRun(folder: string, seed: number, inputs?: Record<string, unknown>) {
  await files.makeDirectory(`${folder}/best`);
  await files.writeAtomic(`${folder}/recipe.json`, JSON.stringify({ seed }));
  await files.writeAtomic(
    `${folder}/metrics.jsonl`,
    `${JSON.stringify({ kind: "eval", step: 1, epoch: 0, top1: 0.5 })}\n`,
  );
  const counts = { data: "flowers", training_pictures: 9, validation_pictures: 1 };
  if (inputs !== undefined) await files.writeAtomic(`${folder}/inputs.json`, JSON.stringify({ ...counts, ...inputs }));
}

test("a model's run says by which seed and share its data was parted", async () => {
  await writeRun(`${root}/run`, 3, { validation_fraction: 0.05 });
  const run = await findTrainingRun(files, `${root}/run/best`);
  expect(run).toMatchObject({ seed: 3, validationFraction: 0.05, metrics: [{ top1: 0.5 }] });
  await writeRun(`${root}/other`, 4);
  expect(await findTrainingRun(files, `${root}/other/best`)).toMatchObject({ seed: 4, validationFraction: undefined });
});

test("the model of a run of stages is of its last stage", async () => {
  await files.makeDirectory(`${root}/staged/best`);
  await files.writeAtomic(`${root}/staged/recipe.json`, JSON.stringify({ stages: [{ seed: 1 }, { seed: 7 }] }));
  expect(await findTrainingRun(files, `${root}/staged/best`)).toBeUndefined();
  await writeRun(`${root}/staged/stage-1`, 1);
  await writeRun(`${root}/staged/stage-2`, 7, { validation_fraction: 0.2 });
  const run = await findTrainingRun(files, `${root}/staged/best`);
  expect(run).toMatchObject({ seed: 7, validationFraction: 0.2 });
  expect(run?.folder).toMatch(/stage-2$/);
});

test("what is no run is none", async () => {
  await files.makeDirectory(`${root}/shelf/model`);
  await files.writeAtomic(`${root}/shelf/recipe.json`, "two eggs");
  expect(await findTrainingRun(files, `${root}/shelf/model`)).toBeUndefined();
  expect(await findTrainingRun(files, `${root}/nowhere`)).toBeUndefined();
});
