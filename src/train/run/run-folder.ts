// The folder of one training run:
//   recipe.json               what was asked for; a folder is a run because it has one
//   metrics.jsonl             curves, a JSON object a line; events.out.tfevents.*: the same for TensorBoard
//   checkpoints/              checkpoint-<step>/: a model folder with optimizer.safetensors and state.json
//   best/, last/              model folders, to be used like any other

import { FormatError, NotFoundError, SaccadeError, UsageError } from "../../errors.ts";
import { isHidden } from "../../image/picture-files.ts";
import { writeModelFolder } from "../../model-folder/load.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import type { Files } from "../../platform/host.ts";
import { decodeText } from "../../text-file.ts";
import { listCheckpoints, loadProgress, removeTemporaries } from "./checkpoint.ts";
import type { Json, Progress } from "./checkpoint-progress.ts";
import { asJson, type RecipeDifference, recipeDifferences, recipeFingerprint } from "./recipe-difference.ts";

/** Where everything is. Folders among these need not be there yet. */
export interface RunPaths {
  readonly folder: string;
  readonly recipe: string;
  readonly metrics: string;
  readonly checkpoints: string;
  readonly best: string;
  readonly last: string;
}

export interface Run {
  readonly paths: RunPaths;
  /** As recipe.json has it. */
  readonly recipe: Json;
  readonly recipeFingerprint: string;
}

/** A run that goes on. */
export interface ResumedRun extends Run {
  /** Of its newest checkpoint. */
  readonly progress: Progress;
}

const MAX_RECIPE_BYTES = 64 * 2 ** 20;

export function runPaths(files: Files, folder: string): RunPaths {
  const at = (name: string) => files.join(folder, name);
  return {
    folder,
    recipe: at("recipe.json"),
    metrics: at("metrics.jsonl"),
    checkpoints: at("checkpoints"),
    best: at("best"),
    last: at("last"),
  };
}

/**
 * Begins a run in a folder that is new or empty.
 * @param recipe anything that JSON can hold; undefined fields are left out.
 * @throws UsageError when something is in the folder, saying whether it is a run.
 */
export async function createRun(files: Files, folder: string, recipe: unknown): Promise<Run> {
  const paths = runPaths(files, folder);
  const existing = await files.stat(folder);
  if (existing !== undefined && !existing.isDirectory)
    throw new UsageError(`${folder} is a file`, "name a folder for the run");
  const inside = existing === undefined ? [] : (await files.list(folder)).filter((entry) => !isHidden(entry));
  if (inside.length > 0) throw await occupied(files, paths);
  await files.makeDirectory(folder);
  const json = asJson(recipe);
  await files.writeAtomic(paths.recipe, `${JSON.stringify(json, undefined, 2)}\n`);
  return { paths, recipe: json, recipeFingerprint: recipeFingerprint(json) };
}

async function occupied(files: Files, paths: RunPaths): Promise<UsageError> {
  if ((await files.stat(paths.recipe)) === undefined)
    return new UsageError(`${paths.folder} is not empty, and what it holds is not a run`, "name a new folder");
  const checkpoints = await listCheckpoints(files, paths.checkpoints);
  return new UsageError(
    `${paths.folder} holds a run already`,
    checkpoints.length > 0
      ? "go on with it: --resume; or name a new folder"
      : "it has no checkpoint to go on from: delete it, or name a new folder",
  );
}

export interface OpenRunOptions {
  /** What is asked for now; must be the run's recipe. Default: whatever the run's recipe is. */
  readonly recipe?: unknown;
  /** Fields that may differ, with all that is below them ("workers", "data.path"): those that change no number. */
  readonly mayDiffer?: readonly string[];
}

/**
 * Opens a run to go on with it. Only reads.
 * @throws NotFoundError when there is no run, or one without a checkpoint; SaccadeError "recipe_differs" listing the fields; FormatError or
 * SaccadeError "checkpoint_damaged" for files that cannot be read.
 *
 * @example
 * const run = await openRun(files, "runs/cats");
 * const checkpoint = await loadCheckpoint(files, run.paths.checkpoints, { state: step.state });
 */
export async function openRun(files: Files, folder: string, options: OpenRunOptions = {}): Promise<ResumedRun> {
  const paths = runPaths(files, folder);
  const recipe = await readRecipe(files, paths);
  if (options.recipe !== undefined)
    requireSameRecipe(folder, recipeDifferences(recipe, asJson(options.recipe)), options.mayDiffer ?? []);
  if ((await listCheckpoints(files, paths.checkpoints)).length === 0)
    throw new NotFoundError(
      "checkpoint",
      folder,
      "the run ended before its first one; delete the folder and begin again",
    );
  const progress = await loadProgress(files, paths.checkpoints);
  const fingerprint = recipeFingerprint(recipe);
  if (progress.recipeFingerprint !== fingerprint)
    throw new SaccadeError("recipe_differs", `${paths.recipe} is not the recipe that the checkpoints were made with`, {
      hint: "it was changed after the run began: restore it, or begin a new run",
      data: { expected: progress.recipeFingerprint, actual: fingerprint },
    });
  return { paths, recipe, recipeFingerprint: fingerprint, progress };
}

/** Deletes what a killed process left half-written. Nothing may be writing to the run: see `Files.lock`. */
export async function cleanRun(files: Files, { folder, checkpoints, best, last }: RunPaths): Promise<void> {
  for (const place of [folder, checkpoints, best, last]) await removeTemporaries(files, place);
}

async function readRecipe(files: Files, paths: RunPaths): Promise<Json> {
  if ((await files.stat(paths.recipe)) === undefined)
    throw new NotFoundError("run", paths.folder, "a run's folder holds recipe.json; nothing to resume here");
  const text = decodeText(await files.read(paths.recipe, { maxBytes: MAX_RECIPE_BYTES }), paths.recipe);
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new FormatError(paths.recipe, `not valid JSON (${(cause as Error).message})`, { cause });
  }
}

function requireSameRecipe(
  folder: string,
  differences: readonly RecipeDifference[],
  mayDiffer: readonly string[],
): void {
  const allowed = (field: string) => mayDiffer.some((name) => field === name || field.startsWith(`${name}.`));
  const real = differences.filter(({ field }) => !allowed(field));
  if (real.length === 0) return;
  const lines = real
    .slice(0, 20)
    .map(({ field, before, now }) => `\n  ${field}: ${show(before)} before, ${show(now)} now`)
    .join("");
  const more = real.length > 20 ? `\n  and ${real.length - 20} more` : "";
  throw new SaccadeError("recipe_differs", `the run in ${folder} follows another recipe${lines}${more}`, {
    hint: "resume it as it began, or begin a new run in another folder",
    data: { folder, differences: real },
  });
}

function show(value: Json | undefined): string {
  return value === undefined ? "not given" : JSON.stringify(value);
}

/**
 * Puts a model into `best` or `last`. Each file is replaced whole, weights first; as labels and configuration never change within a run, what
 * is there is a usable model at every moment.
 */
export async function writeRunModel(files: Files, run: Run, which: "best" | "last", model: NativeModel): Promise<void> {
  await writeModelFolder(files, run.paths[which], model);
}
