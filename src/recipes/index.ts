// Every recipe by name, for `saccade train --recipe` and `saccade recipes`.
import { NotFoundError } from "../errors.ts";
import { didYouMean } from "../nearest-name.ts";
import type { Recipe } from "../train/recipe-fields.ts";
import { isStaged, parseAnyRecipe, type StagedRecipe } from "../train/staged-recipe.ts";
import { CATALOGUE, type RecipeEntry } from "./catalogue.ts";

/** A recipe with what it is for. */
export interface ListedRecipe extends Omit<RecipeEntry, "recipe"> {
  readonly recipe: Recipe | StagedRecipe;
}

/** Every recipe, those for newcomers first. */
export const listedRecipes: readonly ListedRecipe[] = CATALOGUE.map(({ recipe, ...about }) => ({
  ...about,
  recipe: parseAnyRecipe(recipe),
}));

/** The recipes that somebody who begins may want. */
export function newcomersRecipes(): readonly ListedRecipe[] {
  return listedRecipes.filter(({ group }) => group === "start");
}

export const recipes: ReadonlyMap<string, Recipe> = new Map(
  listedRecipes.flatMap(({ recipe }) => (isStaged(recipe) ? [] : [[recipe.name, recipe]])),
);

/** Recipes of several stages by name. */
export const stagedRecipes: ReadonlyMap<string, StagedRecipe> = new Map(
  listedRecipes.flatMap(({ recipe }) => (isStaged(recipe) ? [[recipe.name, recipe]] : [])),
);

/**
 * The recipe of this name with what it is for.
 *
 * @throws NotFoundError with the name that is nearest
 */
export function listedRecipeNamed(name: string): ListedRecipe {
  const listed = listedRecipes.find(({ recipe }) => recipe.name === name);
  if (listed !== undefined) return listed;
  throw unknownRecipe(
    name,
    listedRecipes.map(({ recipe }) => recipe.name),
  );
}

/**
 * The recipe of this name, of one stage.
 *
 * @throws NotFoundError with the name that is nearest
 */
export function recipeNamed(name: string): Recipe {
  const recipe = recipes.get(name);
  if (recipe !== undefined) return recipe;
  throw unknownRecipe(name, [...recipes.keys()]);
}

function unknownRecipe(name: string, names: readonly string[]): NotFoundError {
  return new NotFoundError(
    "recipe",
    name,
    `${didYouMean(name, names)}saccade recipes lists them; or pass a .json file`,
  );
}
