// Training as a whole, from a path to a model: what `train` of the library and `saccade train` do.
import { NotFoundError, UsageError } from "../errors.ts";
import type { Files, TrainingHost } from "../platform/host.ts";
import { stagedRecipes } from "../recipes/index.ts";
import type { Recipe } from "../train/recipe-fields.ts";
import { listCheckpoints } from "../train/run/checkpoint.ts";
import { runPaths } from "../train/run/run-folder.ts";
import { defaultRunFolder, readRunInputs } from "../train/run-inputs.ts";
import {
  abandonUnbegun,
  createStagedRun,
  isStaged,
  overrideStages,
  publishBest,
  type StagedRecipe,
  stagedRecipeOf,
  stageOf,
  stageStandings,
} from "../train/staged-recipe.ts";
import { DEFAULT_RECIPE, readRecipe } from "./recipe-source.ts";
import { trainOnce } from "./train-once.ts";
import { overridesOf, type TrainOptions, type TrainResult } from "./train-options.ts";

/**
 * Trains a recogniser on labelled pictures, or goes on with a run that was stopped. See docs/train-your-own.md.
 *
 * @param data a folder, list or archive of labelled pictures; a resumed run knows its own
 * @throws UsageError for options that make no sense; NotFoundError; FormatError for data that cannot be trained on; SaccadeError "recipe_differs" or
 * "data_differs" for a run that cannot go on so; DivergedError
 * @throws AbortedError when the signal fires; what was done is kept and can be resumed
 */
export async function train(
  host: TrainingHost,
  data: string | undefined,
  options: TrainOptions = {},
): Promise<TrainResult> {
  const { files } = host;
  const named = options.recipe === undefined ? undefined : await readRecipe(files, options.recipe);
  if (options.stage !== undefined) return trainOnce(host, data, oneStage(named, options.stage), options);
  const recipe = options.resume === true ? await recipeToResume(files, named, options.folder) : named;
  return recipe !== undefined && isStaged(recipe)
    ? trainStages(host, data, recipe, options)
    : trainOnce(host, data, recipe, options);
}

/** Whether a run, of stages or not, has a checkpoint to go on from. */
export async function isResumable(files: Files, folder: string): Promise<boolean> {
  for (const place of [folder, files.join(folder, "stage-1")])
    if ((await listCheckpoints(files, runPaths(files, place).checkpoints)).length > 0) return true;
  return false;
}

function oneStage(named: Recipe | StagedRecipe | undefined, number: number): Recipe {
  if (named !== undefined && isStaged(named)) return stageOf(named, number);
  throw new UsageError("--stage needs a recipe of several stages", `--recipe: ${[...stagedRecipes.keys()].join(", ")}`);
}

/** The stages that the run in a folder follows; `named` where it is an ordinary run. */
async function recipeToResume(
  files: Files,
  named: Recipe | StagedRecipe | undefined,
  out: string | undefined,
): Promise<Recipe | StagedRecipe | undefined> {
  const folder = out ?? (await defaultRunFolder(files, named?.name ?? DEFAULT_RECIPE, true));
  const staged = await stagedRecipeOf(files, folder);
  if (staged !== undefined && named !== undefined && JSON.stringify(named) !== JSON.stringify(staged))
    throw new UsageError(`the run in ${folder} follows another recipe`, "it knows its own: leave --recipe out");
  if (staged === undefined && named !== undefined && isStaged(named))
    throw new NotFoundError("run", folder, `there is no run of ${named.name} to go on with`);
  return staged ?? named;
}

/** Runs what is left of the stages; each begins with the best model of the one before. */
async function trainStages(
  host: TrainingHost,
  path: string | undefined,
  staged: StagedRecipe,
  options: TrainOptions,
): Promise<TrainResult> {
  const { files } = host;
  const { recipe: _, from: first, ...others } = options;
  const resumes = options.resume === true;
  const folder = options.folder ?? (await defaultRunFolder(files, staged.name, resumes));
  const overrides = overridesOf(options);
  if (resumes && Object.keys(overrides).length > 0)
    throw new UsageError(`the run in ${folder} goes on as it began`, `leave out ${Object.keys(overrides).join(", ")}`);
  const recipe = resumes ? staged : overrideStages(staged, overrides);
  if (!resumes) await createStagedRun(files, folder, recipe);
  const standings = await stageStandings(files, folder, recipe);
  await using _unbegun = { [Symbol.asyncDispose]: () => abandonUnbegun(files, folder) };
  let result: TrainResult | undefined;
  for (const [i, stage] of standings.entries()) {
    options.onNotice?.(`stage ${stage.number} of ${standings.length}: ${stage.recipe.summary} (${stage.state})`);
    const before = standings[i - 1];
    const isLast = i === standings.length - 1;
    if (stage.state === "finished" && !isLast) continue;
    const from = before === undefined ? first : runPaths(files, before.folder).best;
    // A stage that goes on has its weights already.
    const begins = stage.state === "new" || before === undefined;
    const data = path ?? (before === undefined ? undefined : (await readRunInputs(files, before.folder))?.data);
    result = await trainOnce(host, data, stage.recipe, {
      ...others,
      ...(from === undefined || !begins ? {} : { from }),
      folder: stage.folder,
      // The folder to go on with is that of the whole.
      onPlan: (plan) => options.onPlan?.({ ...plan, folder }),
      resume: stage.state !== "new",
    });
    options.onStageResult?.(result);
  }
  const model = await publishBest(files, folder, standings.at(-1)!);
  return { ...result!, folder, model, recipe: recipe.name };
}
