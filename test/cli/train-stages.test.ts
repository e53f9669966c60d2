// What saccade train says about recipes of several stages that cannot be run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "./mini-model.ts";
import { train, writeStagedToy } from "./staged-toy.ts";

const folder = temporaryFolder();
const { data, recipe: recipePath, encoderRecipe } = await writeStagedToy(folder);

test("what cannot be is told, and leaves nothing behind", async () => {
  const out = join(folder, "never");
  const expectFailure = async (args: readonly string[], exitCode: number, message: RegExp) => {
    const result = await train([...args, "--out", out]);
    expect([result.exitCode, result.notes.join("\n")]).toEqual([exitCode, expect.stringMatching(message)]);
    expect(existsSync(join(out, "recipe.json"))).toBe(false);
  };
  await expectFailure([data, "--recipe", recipePath, "--stage", "4"], 2, /toy has 3 stages, and no stage 4/);
  await expectFailure([data, "--recipe", encoderRecipe, "--stage", "1"], 2, /--stage needs a recipe of several stages/);
  await expectFailure([data, "--recipe", recipePath, "--epochs", "2"], 2, /each with epochs and a rate of its own/);
  await expectFailure([join(folder, "nothing"), "--recipe", recipePath], 1, /data not found/);
  await expectFailure(["--recipe", recipePath, "--resume"], 1, /no run of toy|run not found/);
});
