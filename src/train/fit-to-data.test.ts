import { expect, test } from "vitest";
import { batchFor, fitBatch, withFullBatches } from "./fit-to-data.ts";
import { parseRecipe } from "./recipe.ts";

const recipe = parseRecipe({
  name: "r",
  architecture: "sparseformer_v1_tiny",
  height: 32,
  width: 32,
  augmentation: "resize(32,32)",
  transform: "resize(32,32)",
  epochs: 1,
  batch: 32,
  learning_rate: 1e-3,
});

test.each([
  [1, 1],
  [7, 1],
  [8, 2],
  [27, 4],
  [36, 8],
  [90, 16],
  [3068, 512],
])("%i pictures: batches of %i leave an epoch at least four", (pictures, batch) => {
  expect(batchFor(pictures)).toBe(batch);
});

test("a recipe keeps its batch where the pictures fill one", () => {
  expect(fitBatch(recipe, 32)).toEqual({ recipe, reason: undefined });
  expect(fitBatch(recipe, 27)).toEqual({
    recipe: { ...recipe, batch: 4 },
    reason: "27 training pictures do not fill a batch of 32: batches of 4",
  });
  expect(fitBatch(recipe, 1).reason).toBe("1 training picture does not fill a batch of 32: batches of 1");
});

test("without a recipe's name, batches are as large as the data allows, and no larger than the recipe's", () => {
  expect(withFullBatches(recipe, 36)).toEqual({
    recipe: { ...recipe, batch: 8 },
    reason: "36 training pictures, so batches of 8",
  });
  expect(withFullBatches(recipe, 128)).toEqual({ recipe, reason: undefined });
  expect(withFullBatches(recipe, 100_000)).toEqual({ recipe, reason: undefined });
});
