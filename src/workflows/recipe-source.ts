// A recipe by its name, from a file, or as it is.
import { FormatError } from "../errors.ts";
import type { Files } from "../platform/host.ts";
import { listedRecipeNamed } from "../recipes/index.ts";
import { decodeText } from "../text-file.ts";
import type { Recipe, RecipeInput } from "../train/recipe-fields.ts";
import { parseAnyRecipe, type StagedRecipe, type StagedRecipeInput } from "../train/staged-recipe.ts";

/** What trains when nobody names a recipe. */
export const DEFAULT_RECIPE = "fine-tune";

const MAX_RECIPE_BYTES = 2 ** 20;

/**
 * @param source a name, the path of a .json file, or a recipe
 * @throws NotFoundError for a name or file that is not there, with the name that is nearest; FormatError; UsageError naming the field
 */
export async function readRecipe(
  files: Files,
  source: string | RecipeInput | StagedRecipeInput,
): Promise<Recipe | StagedRecipe> {
  if (typeof source !== "string") return parseAnyRecipe(source);
  if (!/\.json$/i.test(source)) return listedRecipeNamed(source).recipe;
  const text = decodeText(await files.read(source, { maxBytes: MAX_RECIPE_BYTES }), source);
  try {
    return parseAnyRecipe(JSON.parse(text));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FormatError(source, `this is not valid JSON: ${cause.message}`, { cause });
  }
}
