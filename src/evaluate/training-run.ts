// The training run that a model is from, where it still lies in the run's folder: for its curves, and for how its data was parted.
import { FormatError } from "../errors.ts";
import type { Files } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import { type MetricRecord, readMetrics } from "../train/run/metrics-log.ts";
import { type RunPaths, runPaths } from "../train/run/run-folder.ts";
import { readRunInputs } from "../train/run-inputs.ts";

export interface TrainingRun {
  readonly folder: string;
  readonly metrics: readonly MetricRecord[];
  /** Of the recipe. */
  readonly seed: number | undefined;
  /** The share of undivided data that it held back, where the user said one. */
  readonly validationFraction: number | undefined;
}

/** Models lie in RUN/best, RUN/last and RUN/checkpoints/checkpoint-STEP; that of a run of several stages in RUN/best too. */
const ABOVE = [".", "..", "../.."];
const MAX_RECIPE_BYTES = 64 * 2 ** 20;

/** undefined when the model is not a folder within a run's folder. */
export async function findTrainingRun(files: Files, modelPath: string): Promise<TrainingRun | undefined> {
  if (!(await files.stat(modelPath))?.isDirectory) return undefined;
  for (const step of ABOVE) {
    const paths = await runAt(files, files.join(modelPath, step));
    if (paths === undefined) continue;
    const { records } = await readMetrics(files, paths.metrics);
    const seed = fieldOf(await readRecipe(files, paths), "seed");
    const inputs = await readRunInputs(files, paths.folder);
    return {
      folder: paths.folder,
      metrics: records,
      seed: typeof seed === "number" ? seed : undefined,
      validationFraction: inputs?.validation_fraction,
    };
  }
  return undefined;
}

/** The run in a folder; of a run of several stages the last stage, which made its model. undefined when there is none. */
async function runAt(files: Files, folder: string): Promise<RunPaths | undefined> {
  const paths = runPaths(files, folder);
  if ((await files.stat(paths.recipe)) === undefined) return undefined;
  if ((await files.stat(paths.metrics)) !== undefined) return paths;
  // A file of this name may be anybody's: what is no run of stages is no failure.
  const stages = await readRecipe(files, paths).then(
    (recipe) => fieldOf(recipe, "stages"),
    () => undefined,
  );
  if (!Array.isArray(stages) || stages.length === 0) return undefined;
  return runAt(files, files.join(folder, `stage-${stages.length}`));
}

async function readRecipe(files: Files, paths: RunPaths): Promise<unknown> {
  const text = decodeText(await files.read(paths.recipe, { maxBytes: MAX_RECIPE_BYTES }), paths.recipe);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(paths.recipe, `not valid JSON (${(cause as Error).message})`, { cause });
  }
}

const fieldOf = (recipe: unknown, name: string): unknown =>
  typeof recipe === "object" && recipe !== null ? Reflect.get(recipe, name) : undefined;
