import { expect, test } from "vitest";
import { listedRecipes, newcomersRecipes } from "../../src/recipes/index.ts";
import { parseAnyRecipe } from "../../src/train/staged-recipe.ts";
import { cli } from "./fake-terminal.ts";

test("the list: every recipe, what it is for, what data it wants and what it costs", async () => {
  const { exitCode, stdout } = await cli(["recipes"], { columns: 1000 });
  expect(exitCode).toBe(0);
  for (const { recipe, data, cost } of listedRecipes) {
    expect(stdout).toContain(`  ${recipe.name}`);
    expect(stdout).toContain(`      ${recipe.summary}\n      data: ${data}\n      cost: ${cost}\n`);
  }
  expect(stdout).toMatch(/^For your own pictures\n {2}fine-tune\n/);
  const parsed = JSON.parse((await cli(["recipes", "--json"])).stdout);
  expect(parsed.map(({ recipe }: { recipe: { name: string } }) => recipe.name)).toEqual(
    listedRecipes.map(({ recipe }) => recipe.name),
  );
});

test("the list is folded to the terminal", async () => {
  const { stdout } = await cli(["recipes"]);
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each(["fine-tune", "gfnet-scenes"])("%s: its fields as a file that train takes", async (name) => {
  const { stdout, notes } = await cli(["recipes", name]);
  const listed = listedRecipes.find(({ recipe }) => recipe.name === name)!;
  expect(parseAnyRecipe(JSON.parse(stdout))).toEqual(listed.recipe);
  expect(notes).toContain(`cost: ${listed.cost}`);
  const json = await cli(["recipes", name, "--json"]);
  expect([json.stdout, json.notes]).toEqual([stdout, []]);
});

test("a name that is nearly one", async () => {
  const { exitCode, notes } = await cli(["recipes", "finetune"]);
  expect([exitCode, notes.join("\n")]).toEqual([
    1,
    expect.stringMatching(/recipe not found: finetune\n {2}did you mean fine-tune\?/),
  ]);
});

test("train --help shows what a newcomer may want, and where the others are", async () => {
  const { stdout } = await cli(["train", "--help"]);
  for (const { recipe } of newcomersRecipes()) expect(stdout).toContain(`  ${recipe.name}`);
  expect(stdout).not.toContain("gfnet");
  expect(stdout).toContain("saccade recipes");
});
