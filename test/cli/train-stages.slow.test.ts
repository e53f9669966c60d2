// Three stages of glance and focus on a toy: in one go, or stopped and resumed, to the same numbers; and one stage by itself.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "./mini-model.ts";
import { train, writeStagedToy } from "./staged-toy.ts";
import { checkpointSteps, outcomeOf } from "./train-cases.ts";

const folder = temporaryFolder();
const { data, recipe: recipePath, encoderRecipe } = await writeStagedToy(folder);

const stageRun = (run: string, number: number) => join(run, `stage-${number}`);
const outcomes = (run: string) => [1, 2, 3].map((number) => outcomeOf(stageRun(run, number)));

test("three stages in one go, or stopped in the middle of the second and resumed: the same numbers", async () => {
  const whole = join(folder, "whole");
  const { exitCode, notes } = await train([data, "--recipe", recipePath, "--out", whole]);
  expect([exitCode, notes.filter((line) => /unexpected/.test(line))]).toEqual([0, []]);
  expect(notes.filter((line) => line.startsWith("stage "))).toHaveLength(3);
  expect(notes.join("\n")).toMatch(/by look \d+\.\d \d+\.\d %/);
  expect(notes).toContain(`try it: saccade classify PICTURE --model ${join(whole, "best")}`);
  expect(readdirSync(whole).sort()).toEqual(["best", "recipe.json", "stage-1", "stage-2", "stage-3"]);
  const best = (at: string) => readFileSync(join(at, "best", "model.safetensors"));
  expect(best(whole)).toEqual(best(stageRun(whole, 3)));
  expect(best(stageRun(whole, 1))).not.toEqual(best(stageRun(whole, 2)));

  const broken = join(folder, "broken");
  const stop = new AbortController();
  const timer = setInterval(() => {
    if (checkpointSteps(stageRun(broken, 2)).length > 0) stop.abort();
  }, 5);
  const stopped = await train([data, "--recipe", recipePath, "--out", broken], stop.signal);
  clearInterval(timer);
  expect(stopped.exitCode).toBe(130);
  expect(stopped.notes).toContain(`saved; go on with: saccade train --resume --out ${broken}`);
  expect(existsSync(stageRun(broken, 3))).toBe(false);
  expect((await train(["--resume", "--out", broken, "--seed", "5"])).exitCode).toBe(2);
  const other = await train(["--resume", "--out", broken, "--recipe", "gfnet-scenes"]);
  expect([other.exitCode, other.notes.at(-1)]).toEqual([2, expect.stringMatching(/leave --recipe out/)]);
  const resumed = await train(["--resume", "--out", broken]);
  expect(resumed.exitCode).toBe(0);
  expect(resumed.notes.join("\n")).toMatch(/stage 1 of 3: .*\(finished\)/);
  expect(resumed.notes.join("\n")).toMatch(/stage 2 of 3: .*\(unfinished\)/);
  expect(outcomes(broken)).toEqual(outcomes(whole));
});

test("one stage by itself begins with a backbone, whose weights both encoders take", async () => {
  const encoder = join(folder, "encoder");
  expect((await train([data, "--recipe", encoderRecipe, "--out", encoder])).exitCode).toBe(0);
  const run = join(folder, "one stage");
  const from = join(encoder, "best");
  const { exitCode, notes } = await train([data, "--recipe", recipePath, "--stage", "1", "--from", from, "--out", run]);
  expect([exitCode, notes.filter((line) => /unexpected/.test(line))]).toEqual([0, []]);
  const fresh = notes.find((line) => line.includes("fresh:"))!;
  expect(fresh).toContain("policy.actor.0.weight");
  expect(fresh).not.toContain("model_state_dict");
});
