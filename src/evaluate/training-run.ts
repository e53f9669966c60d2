// The training run that a model is from, where it still lies in the run's folder: for its curves, and for the seed that parted its data.
import { FormatError } from "../errors.ts";
import type { Files } from "../platform/host.ts";
import { type MetricRecord, readMetrics } from "../train/run/metrics-log.ts";
import { type RunPaths, runPaths } from "../train/run/run-folder.ts";

export interface TrainingRun {
  readonly folder: string;
  readonly metrics: readonly MetricRecord[];
  /** Of the recipe. */
  readonly seed: number | undefined;
}

/** Models lie in RUN/best, RUN/last and RUN/checkpoints/checkpoint-STEP. */
const ABOVE = [".", "..", "../.."];
const MAX_RECIPE_BYTES = 64 * 2 ** 20;

/** undefined when the model is not a folder within a run's folder. */
export async function findTrainingRun(files: Files, modelPath: string): Promise<TrainingRun | undefined> {
  if (!(await files.stat(modelPath))?.isDirectory) return undefined;
  for (const step of ABOVE) {
    const paths = runPaths(files, files.join(modelPath, step));
    if ((await files.stat(paths.recipe)) === undefined || (await files.stat(paths.metrics)) === undefined) continue;
    const { records } = await readMetrics(files, paths.metrics);
    return { folder: paths.folder, metrics: records, seed: await readSeed(files, paths) };
  }
  return undefined;
}

async function readSeed(files: Files, paths: RunPaths): Promise<number | undefined> {
  const text = new TextDecoder().decode(await files.read(paths.recipe, { maxBytes: MAX_RECIPE_BYTES }));
  try {
    const recipe: unknown = JSON.parse(text);
    const seed = typeof recipe === "object" && recipe !== null && "seed" in recipe ? recipe.seed : undefined;
    return typeof seed === "number" ? seed : undefined;
  } catch (cause) {
    throw new FormatError(paths.recipe, `not valid JSON (${(cause as Error).message})`, { cause });
  }
}
