// What made the default model out of saccade/everyday, in one command: two stages.
import type { StagedRecipeInput } from "../train/staged-recipe.ts";
import { photographs } from "./photographs.ts";
import { photographsLonger } from "./photographs-longer.ts";

export const photographsFull: StagedRecipeInput = {
  name: "photographs-full",
  summary: "photographs, photographs-longer: what made the default model",
  stages: [photographs, photographsLonger],
};
