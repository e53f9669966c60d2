// What trains when nobody names a recipe: `clothing`, as the data allows.
import type { RecipeInput } from "../train/recipe-fields.ts";
import { clothing } from "./clothing.ts";

export const fineTune: RecipeInput = {
  ...clothing,
  name: "fine-tune",
  summary: "fine-tunes the bundled model on your own pictures, at 128 px",
};
