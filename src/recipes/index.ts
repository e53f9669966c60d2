// Every recipe by name, for `saccade train --recipe`.
import { parseRecipe, type Recipe } from "../train/recipe.ts";
import { clothing } from "./clothing.ts";
import { everyday } from "./everyday.ts";
import { sparseformerTinyImagenet } from "./sparseformer-tiny-imagenet.ts";

export const recipes: ReadonlyMap<string, Recipe> = new Map(
  [everyday, clothing, sparseformerTinyImagenet].map((input) => [input.name, parseRecipe(input)]),
);
