// The official recipes at full size: every stage's step is built, and trains what it should.
import { expect, test } from "vitest";
import { defineModel } from "../models/registry.ts";
import { stepOfRecipe } from "../train/recipe-step.ts";
import { gfnetRecipes } from "./gfnet.ts";
import { listedRecipeNamed } from "./index.ts";

const PARTS = ["fc", "model_prime_state_dict", "model_state_dict", "policy"];

test.each(gfnetRecipes.map(({ name }) => name))("%s: three steps", (name) => {
  const recipe = listedRecipeNamed(name).recipe;
  if (!("stages" in recipe)) throw new Error(`${name} has no stages`);
  const glanceLearns = recipe.stages[0]!.looking!.train_glance;
  const trained = recipe.stages.map((stage) => {
    const model = defineModel("gfnet", { ...stage.config, class_num: 1000 });
    const step = stepOfRecipe({ ...stage, batch: 2 }, model, 1000);
    expect(step.graph.outputs.get("loss")?.shape).toEqual([]);
    return [...new Set(step.trained.map((parameter) => parameter.split(".")[0]!))].sort();
  });
  const supervised = PARTS.filter((part) => part !== "policy" && (glanceLearns || part !== "model_prime_state_dict"));
  expect(trained).toEqual([supervised, ["policy"], supervised]);
});
