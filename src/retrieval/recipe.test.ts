import { expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { fitRecipe, recipeSources } from "./recipe.ts";

/** Vectors that vary a lot along the first axes and little along the last. */
function stretched(rows: number, width: number): Float32Array {
  const random = new RandomSource(2, "vectors");
  return Float32Array.from({ length: rows * width }, (_, i) => random.normal() / (1 + (i % width)) ** 2 + 1);
}

const sourceOf = (vectors: Float32Array, width: number) => ({
  rows: vectors.length / width,
  all: async () => vectors,
  range: async (start: number, end: number) => vectors.subarray(start * width, end * width),
});

test("vectors come out at unit length, with directions that vary equally much", async () => {
  const [rows, width, components] = [400, 8, 4];
  const vectors = stretched(rows, width);
  const sources = [sourceOf(vectors.subarray(0, 100 * width), width), sourceOf(vectors.subarray(100 * width), width)];
  const recipe = await fitRecipe(sources, width, { components });
  expect(recipe.width).toBe(components);
  const made = await recipeSources(sources, recipe, undefined);
  const all = (await Promise.all(made.map((source) => source.all()))).flatMap((part) => [...part]);
  expect(all).toHaveLength(rows * components);
  const spread = Array.from({ length: components }, (_, k) => {
    const along = all.filter((_, i) => i % components === k);
    return along.reduce((sum, value) => sum + value * value, 0) / rows;
  });
  expect(spread.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  for (const variance of spread) expect(variance).toBeCloseTo(1 / components, 1);
  // What is applied to a query is what was applied to the index.
  expect(recipe.apply(vectors.slice(3 * width, 4 * width))).toEqual(await made[0]!.range(3, 4));
});

test.each([0, 4, 1.5])("refuses %d components of four vectors", async (components) => {
  const fitting = fitRecipe([sourceOf(stretched(4, 8), 8)], 8, { components });
  await expect(fitting).rejects.toThrow(UsageError);
  await expect(fitting).rejects.toThrow(/principal components of 4 rows/);
});
