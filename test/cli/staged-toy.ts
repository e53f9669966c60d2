// What the tests of staged training share: a recipe of three stages of seconds, and its data.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecipeInput } from "../../src/train/recipe-fields.ts";
import type { StagedRecipeInput } from "../../src/train/staged-recipe.ts";
import { writeShapes } from "../train/shapes.ts";
import { cli } from "./fake-terminal.ts";

const BACKBONE = { block: "BasicBlock", layers: [1], channels: [8], stem_channels: 4 };
const onShapes = {
  height: 40,
  width: 40,
  augmentation: "resize(40,40)|flip(0.5)|normalize(imagenet)",
  transform: "resize(40,40)|normalize(imagenet)",
  epochs: 1,
  batch: 8,
  learning_rate: 1e-3,
};
const stage = (number: 1 | 2 | 3): RecipeInput => ({
  ...onShapes,
  name: `toy-${number}`,
  architecture: "gfnet",
  config: {
    arch: "resnet50",
    backbone: BACKBONE,
    patch_size: 32,
    image_size: 40,
    T: 2,
    fc_hidden_dim: 8,
    policy_conv: true,
    policy_hidden_dim: 8,
  },
  looking: { stage: number },
});
const toy: StagedRecipeInput = { name: "toy", summary: "for tests", stages: [stage(1), stage(2), stage(3)] };

/** Writes the toy's data, its recipe, and a recipe for its backbone. */
export async function writeStagedToy(folder: string) {
  const data = await writeShapes(join(folder, "data"), { train: 8, val: 4 });
  const recipe = join(folder, "toy.json");
  writeFileSync(recipe, JSON.stringify(toy));
  const encoderRecipe = join(folder, "encoder.json");
  const encoder: RecipeInput = { ...onShapes, name: "encoder", architecture: "resnet", config: BACKBONE };
  writeFileSync(encoderRecipe, JSON.stringify(encoder));
  return { data, recipe, encoderRecipe };
}

const COMMON = ["--workers", "1", "--threads", "1", "--device", "cpu"];

export const train = (args: readonly string[], signal?: AbortSignal) =>
  cli(["train", ...args, ...COMMON], signal === undefined ? {} : { signal });
