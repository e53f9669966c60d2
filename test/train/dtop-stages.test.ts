// The stages of a DToP: the same network with all of its tokens, and with tokens that stop, whose heads all learn.
import { expect, test } from "vitest";
import type { DtopConfig } from "../../src/models/dtop/config.ts";
import { listedRecipeNamed } from "../../src/recipes/index.ts";
import type { Recipe } from "../../src/train/recipe-fields.ts";
import { stepOfRecipe } from "../../src/train/recipe-step.ts";
import type { StagedRecipe } from "../../src/train/staged-recipe.ts";
import { startingPoint } from "../../src/train/start.ts";

test("the second stage begins with what the first one made, and everything learns in both", () => {
  const labels = ["background", "lion", "bus"];
  const { stages } = listedRecipeNamed("dtop-scenes").recipe as StagedRecipe;
  const [plain, pruned] = stages as [Recipe, Recipe];
  const { model } = startingPoint(plain, labels);
  expect((model.definition.config as DtopConfig).thresh).toBe(1);
  const { model: stopping, fresh } = startingPoint(pruned, labels, model);
  expect(fresh).toEqual([]);
  expect((stopping.definition.config as DtopConfig).thresh).toBe(0.9);
  for (const [stage, { definition, weights }] of [
    [plain, model],
    [pruned, stopping],
  ] as const) {
    const step = stepOfRecipe({ ...stage, batch: 2 }, definition, labels.length);
    expect(step.graph.outputs.get("loss")?.shape).toEqual([]);
    // The class token goes before the first layer, officially too.
    const learnt = [...weights.keys()].filter((name) => name !== "backbone.cls_token");
    expect([...step.trained].sort()).toEqual(learnt.sort());
  }
});
