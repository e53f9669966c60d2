// Every recipe by name, for `saccade train --recipe`.
import { NotFoundError } from "../errors.ts";
import { parseRecipe, type Recipe } from "../train/recipe.ts";
import { parseAnyRecipe, type StagedRecipe } from "../train/staged-recipe.ts";
import { clothing } from "./clothing.ts";
import { everyday } from "./everyday.ts";
import { everydayFull } from "./everyday-full.ts";
import { everydayGrown } from "./everyday-grown.ts";
import { everydayLarger } from "./everyday-larger.ts";
import { everydayLonger } from "./everyday-longer.ts";
import { gfnetRecipes } from "./gfnet.ts";
import {
  gfnetLargeScenes,
  largeScenesBackbone,
  largeScenesBackboneHalf,
  largeScenesEncoder,
} from "./gfnet-large-scenes.ts";
import { gfnetScenes, scenesBackbone, scenesEncoder } from "./gfnet-scenes.ts";
import { sparseformerTinyImagenet } from "./sparseformer-tiny-imagenet.ts";

export const recipes: ReadonlyMap<string, Recipe> = new Map(
  [
    everyday,
    everydayGrown,
    everydayLarger,
    everydayLonger,
    clothing,
    sparseformerTinyImagenet,
    scenesEncoder,
    scenesBackbone,
    largeScenesEncoder,
    largeScenesBackbone,
    largeScenesBackboneHalf,
  ].map((input) => [input.name, parseRecipe(input)]),
);

/** Recipes of several stages by name. */
export const stagedRecipes: ReadonlyMap<string, StagedRecipe> = new Map(
  [everydayFull, gfnetScenes, gfnetLargeScenes, ...gfnetRecipes].map((input) => [
    input.name,
    parseAnyRecipe(input) as StagedRecipe,
  ]),
);

/**
 * The recipe of this name, of one stage or several.
 *
 * @throws NotFoundError with the name that is nearest
 */
export function anyRecipeNamed(name: string): Recipe | StagedRecipe {
  const recipe = recipes.get(name) ?? stagedRecipes.get(name);
  if (recipe !== undefined) return recipe;
  throw unknownRecipe(name, [...recipes.keys(), ...stagedRecipes.keys()]);
}

/**
 * The recipe of this name.
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
  return new NotFoundError("recipe", name, `${meant}known are ${names.join(", ")}; or pass a .json file`);
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
