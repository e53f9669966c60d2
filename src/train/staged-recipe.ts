// A recipe of several stages: ordinary recipes that are run one after another, each beginning with the best model of the one before. Its run is
// a folder of runs, stage-1/, stage-2/, …, with recipe.json for the whole and best/ for the last stage's best model.
import { z } from "zod";
import { FormatError, UsageError } from "../errors.ts";
import { readModelFolder, writeModelFolder } from "../model-folder/load.ts";
import { faultsText } from "../models/check-config.ts";
import type { Files } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import { overrideRecipe, parseRecipe, type RecipeOverrides } from "./recipe.ts";
import type { Recipe, RecipeInput } from "./recipe-fields.ts";
import { listCheckpoints } from "./run/checkpoint.ts";
import { createRun, openRun, runPaths } from "./run/run-folder.ts";

export interface StagedRecipe {
  readonly name: string;
  readonly summary: string;
  readonly stages: readonly Recipe[];
}

export interface StagedRecipeInput {
  readonly name: string;
  readonly summary: string;
  readonly stages: readonly RecipeInput[];
}

const stagedSchema = z.strictObject({
  name: z.string().min(1).max(100),
  summary: z.string().max(1000).default(""),
  stages: z.array(z.unknown()).min(1).max(16),
});

export function isStaged(recipe: Recipe | StagedRecipe): recipe is StagedRecipe {
  return "stages" in recipe;
}

/**
 * Checks and completes a recipe, of stages or not.
 *
 * @throws UsageError naming the field
 */
export function parseAnyRecipe(input: unknown): Recipe | StagedRecipe {
  if (typeof input !== "object" || input === null || !("stages" in input)) return parseRecipe(input);
  const result = stagedSchema.safeParse(input);
  if (!result.success) throw new UsageError(`the recipe is not valid: ${faultsText(result.error)}`);
  return { ...result.data, stages: result.data.stages.map(parseRecipe) };
}

/**
 * The stage of that number (from 1) as a recipe of its own.
 *
 * @throws UsageError when there is none
 */
export function stageOf(recipe: StagedRecipe, number: number): Recipe {
  const stage = recipe.stages[number - 1];
  if (stage !== undefined) return stage;
  throw new UsageError(`${recipe.name} has ${recipe.stages.length} stages, and no stage ${number}`);
}

/**
 * A staged recipe with some fields changed in all stages.
 *
 * @throws UsageError for fields that must differ from stage to stage
 */
export function overrideStages(recipe: StagedRecipe, overrides: RecipeOverrides): StagedRecipe {
  if (overrides.epochs !== undefined || overrides.learning_rate !== undefined)
    throw new UsageError(
      `${recipe.name} has ${recipe.stages.length} stages, each with epochs and a rate of its own`,
      "run one of them: --stage N; or write the recipe as JSON",
    );
  return { ...recipe, stages: recipe.stages.map((stage) => overrideRecipe(stage, overrides)) };
}

/** Where a stage stands. */
export interface StageStanding {
  /** From 1. */
  readonly number: number;
  readonly recipe: Recipe;
  readonly folder: string;
  readonly state: "new" | "unfinished" | "finished";
}

const MAX_RECIPE_BYTES = 64 * 2 ** 20;

/**
 * Begins a run of stages in a folder that is new or empty.
 *
 * @throws UsageError when something is in the folder
 */
export async function createStagedRun(files: Files, folder: string, recipe: StagedRecipe): Promise<void> {
  await createRun(files, folder, recipe);
}

/**
 * The recipe of the run of stages in a folder; undefined when what is there is another run, or nothing.
 *
 * @throws FormatError for a recipe that cannot be read
 */
export async function stagedRecipeOf(files: Files, folder: string): Promise<StagedRecipe | undefined> {
  const path = runPaths(files, folder).recipe;
  if ((await files.stat(path)) === undefined) return undefined;
  const text = decodeText(await files.read(path, { maxBytes: MAX_RECIPE_BYTES }), path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof json !== "object" || json === null || !("stages" in json)) return undefined;
  return parseAnyRecipe(json) as StagedRecipe;
}

/** Where the stages of a run in a folder stand, in order. */
export async function stageStandings(files: Files, folder: string, recipe: StagedRecipe): Promise<StageStanding[]> {
  const standings: StageStanding[] = [];
  for (const [i, stage] of recipe.stages.entries()) {
    const place = files.join(folder, `stage-${i + 1}`);
    standings.push({ number: i + 1, recipe: stage, folder: place, state: await stateOf(files, place, stage) });
  }
  return standings;
}

async function stateOf(files: Files, folder: string, recipe: Recipe): Promise<StageStanding["state"]> {
  if ((await listCheckpoints(files, runPaths(files, folder).checkpoints)).length === 0) return "new";
  const { progress } = await openRun(files, folder, { recipe });
  return progress.epoch >= recipe.epochs ? "finished" : "unfinished";
}

/** Takes a run away whose first stage never had a checkpoint, so that its folder can be used again. */
export async function abandonUnbegun(files: Files, folder: string): Promise<void> {
  const first = files.join(folder, "stage-1");
  if ((await listCheckpoints(files, runPaths(files, first).checkpoints)).length > 0) return;
  await files.remove(first);
  await files.remove(runPaths(files, folder).recipe);
}

/** Puts the last stage's best model where every run has it. */
export async function publishBest(files: Files, folder: string, lastStage: StageStanding): Promise<string> {
  const { best } = runPaths(files, folder);
  await writeModelFolder(files, best, await readModelFolder(files, runPaths(files, lastStage.folder).best));
  return best;
}
