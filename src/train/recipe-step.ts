// From a recipe to what a run computes with: its compiled step, and its rates.
import type { NativeModel } from "../model-folder/model.ts";
import { framesOf, takesVideos } from "./clips.ts";
import { groupsOf, optimizerOf } from "./recipe.ts";
import type { Recipe } from "./recipe-fields.ts";
import { objectiveOf } from "./recipe-objective.ts";
import type { CosineSchedule } from "./schedule.ts";
import { buildTrainStep, type TrainStep } from "./step.ts";

/** The compiled step of a recipe. `teacherWidth`: of the features that its batches bring from a teacher. */
export function stepOfRecipe(
  recipe: Recipe,
  model: NativeModel["definition"],
  classes: number,
  teacherWidth?: number,
): TrainStep {
  const objective = objectiveOf(recipe, model);
  const features = teacherWidth === undefined ? undefined : recipe.distillation?.features;
  return buildTrainStep({
    model,
    batch: recipe.batch,
    height: recipe.height,
    width: recipe.width,
    ...(recipe.dual_input === undefined ? {} : { views: 2 }),
    ...(recipe.annotations === undefined ? {} : { annotations: recipe.annotations }),
    ...(takesVideos(model) ? { frames: framesOf(recipe, model) } : {}),
    classes,
    optimizer: optimizerOf(recipe),
    groups: groupsOf(recipe),
    loss: recipe.loss,
    ema: recipe.ema_decay > 0,
    accumulate: recipe.accumulate,
    ...(recipe.exit_weight === undefined ? {} : { exitWeight: recipe.exit_weight }),
    ...(recipe.clip_norm === undefined ? {} : { clipNorm: recipe.clip_norm }),
    ...(objective === undefined ? {} : { objective }),
    ...(features === undefined
      ? {}
      : {
          distillation: {
            kind: "features",
            weight: features,
            temperature: 1,
            ...(teacherWidth === undefined ? {} : { width: teacherWidth }),
          },
        }),
  });
}

/** A recipe's rates by update, for epochs of so many batches. */
export function scheduleOfRecipe(recipe: Recipe, batchesPerEpoch: number): CosineSchedule {
  const updates = (epochs: number) => Math.round((epochs * batchesPerEpoch) / recipe.accumulate);
  return {
    baseRate: recipe.learning_rate,
    warmupRate: recipe.warmup_rate,
    minimumRate: recipe.minimum_rate,
    warmupSteps: updates(recipe.warmup_epochs),
    totalSteps: updates(recipe.epochs),
  };
}
