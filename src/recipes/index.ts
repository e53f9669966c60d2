// Every recipe by name, for `saccade train --recipe` and `saccade recipes`.
import { NotFoundError } from "../errors.ts";
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
  const distances = names.map((known) => editDistance(name.toLowerCase(), known.toLowerCase()));
  const nearest = distances.indexOf(Math.min(...distances));
  const meant = distances[nearest]! <= Math.max(2, name.length / 2) ? `did you mean ${names[nearest]}? ` : "";
  return new NotFoundError("recipe", name, `${meant}saccade recipes lists them; or pass a .json file`);
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
