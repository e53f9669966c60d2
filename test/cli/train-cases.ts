// What the tests of `saccade train` share: a recipe of seconds as a file, and what a run left on the disk.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecipeInput } from "../../src/train/recipe-fields.ts";
import { metricLines } from "../train/fit.ts";
import { TINY_INPUT } from "../train/shapes.ts";

/** Writes a recipe; returns its path. */
export function writeRecipe(path: string, changes: Partial<RecipeInput> = {}): string {
  writeFileSync(path, JSON.stringify({ ...TINY_INPUT, ...changes }));
  return path;
}

/** What must not depend on how often a run was stopped. */
export function outcomeOf(run: string) {
  const digest = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(run, path)))
      .digest("hex");
  return {
    metrics: metricLines(readFileSync(join(run, "metrics.jsonl"), "utf8")),
    best: digest("best/model.safetensors"),
    last: digest("last/model.safetensors"),
  };
}

/** Steps of the checkpoints that are complete. */
export function checkpointSteps(run: string): number[] {
  try {
    return readdirSync(join(run, "checkpoints")).flatMap((name) => {
      const step = /^checkpoint-(\d+)(-\d+)?$/.exec(name)?.[1];
      return step === undefined ? [] : [Number(step)];
    });
  } catch {
    return [];
  }
}

/** What a command that failed said: the message and, on lines of their own, what to do about it. */
export function errorOf(notes: readonly string[]): string {
  return notes.slice(notes.findLastIndex((line) => line.startsWith("saccade: "))).join("\n");
}
