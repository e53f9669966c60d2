// What made saccade/everyday, in one command: four stages, each going on from the one before.
import type { StagedRecipeInput } from "../train/staged-recipe.ts";
import { everyday } from "./everyday.ts";
import { everydayGrown } from "./everyday-grown.ts";
import { everydayLarger } from "./everyday-larger.ts";
import { everydayLonger } from "./everyday-longer.ts";

export const everydayFull: StagedRecipeInput = {
  name: "everyday-full",
  summary: "everyday, everyday-grown, everyday-larger, everyday-longer: what made saccade/everyday",
  stages: [everyday, everydayGrown, everydayLarger, everydayLonger],
};
