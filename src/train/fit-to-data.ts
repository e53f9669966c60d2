// What of a recipe follows from the data that there is, where nobody says otherwise: how many pictures a batch has, and for how long to train.
import { defineModel } from "../models/registry.ts";
import type { Recipe } from "./recipe-fields.ts";

/** A recipe as it suits the data, and why it was changed, in words; undefined where it was not. */
export interface FittedRecipe {
  readonly recipe: Recipe;
  readonly reason: string | undefined;
}

/** Batches that an epoch should have, so that there are some steps to learn in. */
const BATCHES_PER_EPOCH = 4;

/** The largest power of two that leaves an epoch some batches. */
export function batchFor(pictures: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, pictures / BATCHES_PER_EPOCH)));
}

/** Batches small enough that an epoch has some, of a recipe for whatever data there is. */
export function withFullBatches(recipe: Recipe, pictures: number): FittedRecipe {
  const batch = Math.min(recipe.batch, batchFor(pictures));
  if (batch === recipe.batch) return { recipe, reason: undefined };
  return { recipe: { ...recipe, batch }, reason: `${pictures} training pictures, so batches of ${batch}` };
}

/**
 * A smaller batch where the training pictures do not fill one of the recipe's. Nothing else changes: Adam's steps are of the learning rate's size
 * whatever the batch.
 */
export function fitBatch(recipe: Recipe, pictures: number): FittedRecipe {
  if (pictures >= recipe.batch) return { recipe, reason: undefined };
  const batch = batchFor(pictures);
  return {
    recipe: { ...recipe, batch },
    reason: `${pictures} training ${pictures === 1 ? "picture does" : "pictures do"} not fill a batch of ${recipe.batch}: batches of ${batch}`,
  };
}

/** Of a model that tells things from stuff, which classes are things, where the data says it and the recipe does not. @param things indexes of labels, @param adopts whether it begins with another model's weights */
export function withThings(recipe: Recipe, things: readonly number[] | undefined, adopts: boolean): FittedRecipe {
  if (things === undefined || recipe.annotations === undefined || recipe.config.things !== undefined)
    return { recipe, reason: undefined };
  if (defineModel(recipe.architecture, recipe.config).architecture.things === undefined)
    return { recipe, reason: undefined };
  return {
    recipe: {
      ...recipe,
      config: { ...recipe.config, things: [...things] },
      ...(adopts ? { grow: { ...recipe.grow, things: [...things] } } : {}),
    },
    reason: `${things.length} of the classes are things, the others are stuff`,
  };
}
