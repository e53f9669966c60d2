// Whole training runs in a few seconds, in memory, and what they leave behind.

import { createHash } from "node:crypto";
import type { Dataset } from "../../src/data/dataset.ts";
import type { NativeModel } from "../../src/model-folder/model.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import type { SessionOptions } from "../../src/runtime/session.ts";
import { samplingOf } from "../../src/train/clips.ts";
import type { FitOptions } from "../../src/train/fit-options.ts";
import { trainingLoader, validationLoader } from "../../src/train/loaders.ts";
import type { Recipe } from "../../src/train/recipe-fields.ts";
import { listCheckpoints } from "../../src/train/run/checkpoint.ts";
import type { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { createRun, openRun } from "../../src/train/run/run-folder.ts";
import { startingPoint } from "../../src/train/start.ts";
import { trainModel } from "../../src/train/train-model.ts";
import { validate } from "../../src/train/validation.ts";
import { LABELS, shapes, worker } from "./shapes.ts";

export const FOLDER = "/run";

export const createSession = (bytes: Uint8Array, options: SessionOptions) =>
  nodeHost.createSession(bytes, { device: "cpu", threads: 1, ...options });

export interface FitCase
  extends Partial<
    Pick<FitOptions, "onStep" | "onEpoch" | "onStage" | "signal" | "logEvery" | "checkpointSeconds" | "measure">
  > {
  readonly recipe: Recipe;
  /** Whose weights it begins with. Default: fresh ones. */
  readonly from?: NativeModel;
  readonly files: MemoryFiles;
  readonly resume?: boolean;
  readonly train?: Dataset;
  readonly heldOut?: Dataset;
  /** Default true. */
  readonly validates?: boolean;
}

/** Trains, or goes on, as `saccade train` does. */
export async function fitShapes(options: FitCase) {
  const { recipe, files, resume, train = shapes(12), heldOut = shapes(4, 1000), validates = true } = options;
  const { model } = startingPoint(recipe, LABELS, options.from);
  const run = resume === true ? await openRun(files, FOLDER, { recipe }) : await createRun(files, FOLDER, recipe);
  const { definition } = model;
  const loader = trainingLoader(train, recipe, [worker()], samplingOf(recipe, "random", definition));
  const held = validationLoader(heldOut, recipe, [worker()], samplingOf(recipe, "regular", definition));
  const evaluate: FitOptions["evaluate"] = (weights, signal) =>
    validate({
      definition,
      weights,
      loader: held,
      createSession,
      ...(signal === undefined ? {} : { signal }),
    });
  try {
    return await trainModel({
      logEvery: 2,
      ...options,
      model,
      classes: LABELS.length,
      loader,
      run,
      createSession,
      ...(validates ? { evaluate } : {}),
    });
  } finally {
    await loader.dispose();
    await held.dispose();
  }
}

/** metrics.jsonl without what depends on the clock. */
export function metricLines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { images_per_second: _speed, waited_share: _wait, ...record } = JSON.parse(line);
      return JSON.stringify(record);
    });
}

/** Everything of a run that must not depend on when it was stopped. Tensors as digests. */
export async function outcome(files: MemoryFiles) {
  const digest = async (path: string) =>
    createHash("sha256")
      .update(await files.read(path))
      .digest("hex");
  const text = async (path: string) => new TextDecoder().decode(await files.read(path));
  const { path: newest, step } = (await listCheckpoints(files, `${FOLDER}/checkpoints`))[0]!;
  return {
    step,
    metrics: metricLines(await text(`${FOLDER}/metrics.jsonl`)),
    best: await digest(`${FOLDER}/best/model.safetensors`),
    last: await digest(`${FOLDER}/last/model.safetensors`),
    parameters: await digest(`${newest}/model.safetensors`),
    optimizer: await digest(`${newest}/optimizer.safetensors`),
    progress: JSON.parse(await text(`${newest}/state.json`)),
  };
}
