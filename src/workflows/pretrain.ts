// Pre-training as a whole, from a path to a model: what `pretrain` of the library and `saccade pretrain` do. It is training by a recipe that needs no labels.
import { UsageError } from "../errors.ts";
import { describeModel } from "../model-folder/describe.ts";
import { loadModel, requireNative } from "../model-folder/load.ts";
import { architectures } from "../models/architectures.ts";
import { defineModel, type ModelDefinition } from "../models/registry.ts";
import type { TrainingHost } from "../platform/host.ts";
import { pretrainingRecipe } from "../recipes/pretraining.ts";
import { PRETEXTS, type PretextInput } from "../train/pretext/fields.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";
import { defaultRunFolder } from "../train/run-inputs.ts";
import { isStaged, type StagedRecipeInput } from "../train/staged-recipe.ts";
import { readRecipe } from "./recipe-source.ts";
import { train } from "./train.ts";
import type { TrainOptions, TrainResult } from "./train-options.ts";

export interface PretrainOptions
  extends Omit<TrainOptions, "teacher" | "unlabelled" | "stage" | "validationFraction" | "onStageResult"> {
  /** What is learnt from the pictures. Needed where no recipe says it. */
  readonly objective?: PretextInput["objective"];
  /** The architecture or registered model to train from fresh weights; `from` begins with a model's weights instead. */
  readonly model?: string;
  /** Side of the squares that training sees, pixels. Default: what the model was made for, and small ones learn far faster. */
  readonly size?: number;
}

/**
 * Pre-trains a model on pictures without labels, or goes on with a run that was stopped. See docs/pretraining.md.
 *
 * @param pictures a folder with pictures in it and in the folders in it, or a list; a resumed run knows its own
 * @returns the last epoch's model, whose last layer has learnt nothing: for `train` (its `from`), `Recogniser` and `Embedder`
 * @throws what `train` throws; UsageError without an objective or a model
 */
export async function pretrain(
  host: TrainingHost,
  pictures: string | undefined,
  options: PretrainOptions = {},
): Promise<TrainResult> {
  const { objective, model, size, recipe, ...rest } = options;
  if (rest.resume === true) {
    const named = recipe === undefined ? {} : { recipe };
    return train(host, pictures, { ...rest, ...named, folder: await folderToResume(host, options) });
  }
  if (recipe === undefined) return train(host, pictures, { ...rest, recipe: await usualRecipe(host, options) });
  if ((objective ?? model ?? size) !== undefined)
    throw new UsageError(
      "the recipe says what is learnt by which model",
      "leave out the objective, the model and the size",
    );
  await requirePretext(host, recipe);
  return train(host, pictures, { ...rest, recipe });
}

/** @throws UsageError where nothing says which run, and for what a run that goes on cannot change */
async function folderToResume(host: TrainingHost, options: PretrainOptions): Promise<string> {
  const { folder, recipe, objective, model, size } = options;
  if (folder !== undefined && (objective ?? model ?? size) !== undefined)
    throw new UsageError(`the run in ${folder} goes on as it began`, "leave out the objective, the model and the size");
  if (folder !== undefined) return folder;
  if (recipe === undefined && objective === undefined)
    throw new UsageError("nothing says which run to go on with", "--resume --out RUN");
  const { name } = recipe === undefined ? await usualRecipe(host, options) : await readRecipe(host.files, recipe);
  return defaultRunFolder(host.files, name, true);
}

async function usualRecipe(
  host: TrainingHost,
  { objective, model, from, size }: PretrainOptions,
): Promise<RecipeInput> {
  if (objective === undefined)
    throw new UsageError("nothing says what to learn from the pictures", `--objective ${PRETEXTS.join(" or ")}`);
  return pretrainingRecipe(objective, await definitionOf(host, model, from), size);
}

async function definitionOf(
  host: TrainingHost,
  model: string | undefined,
  from: string | undefined,
): Promise<ModelDefinition> {
  if (from !== undefined && model !== undefined)
    throw new UsageError("a model to begin with says what it is", "leave out --model, or --from for fresh weights");
  if (from !== undefined) return requireNative(await loadModel(host, from, { seesPictures: false })).definition;
  if (model !== undefined)
    return architectures.has(model) ? defineModel(model) : (await describeModel(host, model)).definition;
  throw new UsageError(
    "nothing says which model learns",
    "--model NAME for fresh weights (saccade models lists them), --from MODEL for its weights",
  );
}

async function requirePretext(host: TrainingHost, source: string | RecipeInput | StagedRecipeInput): Promise<void> {
  const recipe = await readRecipe(host.files, source);
  if (isStaged(recipe) || recipe.pretext === undefined)
    throw new UsageError(
      `the recipe ${recipe.name} learns classes, and pre-training has none`,
      'give it a pretext: "pretext": { "objective": "rotation" }; or train with it: saccade train',
    );
}
