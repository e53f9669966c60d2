// Training sweeps: seeds and folds as rows of a plan, runs that are stopped and gone on with by another worker, accuracies merged.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../cli/mini-model.ts";
import { writeRecipe } from "../cli/train-cases.ts";
import { writeShapes } from "../train/shapes.ts";
import { kill, runCommand, startWorker } from "./crashes.ts";

const folder = temporaryFolder();

test("seeds and folds are trained by whoever comes, and gone on with after a kill", async () => {
  const data = await writeShapes(join(folder, "shapes"), { train: 12 });
  const recipe = writeRecipe(join(folder, "tiny.json"), { epochs: 2 });
  const plan = join(folder, "sweep");
  runCommand(["plan", data, "--task", "train", "--recipe", recipe, "--seeds", "1,2", "--folds", "2", "--out", plan]);
  rmSync(recipe); // it is a part of the plan
  const first = startWorker(plan, ["--lease", "3"]);
  while (
    !existsSync(join(plan, "runs/tiny-seed-1-fold-0/metrics.jsonl")) &&
    !existsSync(join(plan, "parts/part-00000.json"))
  )
    if (existsSync(join(plan, "parts/part-00003.json"))) break;
    else await pause(50);
  kill(first.child.pid!);
  await first.ended;
  expect(await startWorker(plan, ["--lease", "3"]).ended).toBe(0);
  runCommand(["jobs", "verify", plan]);
  runCommand(["jobs", "merge", plan, "--output", join(folder, "runs.jsonl")]);
  const rows = readFileSync(join(folder, "runs.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ path, seed, fold }) => [path, seed, fold])).toEqual(
    [1, 2].flatMap((seed) => [0, 1].map((fold) => [`tiny-seed-${seed}-fold-${fold}`, seed, fold])),
  );
  for (const { top1, model } of rows) {
    expect(top1).toBeGreaterThanOrEqual(0);
    expect(existsSync(join(plan, model, "config.json"))).toBe(true);
  }
  // What one fold trains on, the other holds out.
  const splits = [0, 1].map((fold) =>
    readFileSync(join(plan, `runs/fold-${fold}-of-2.csv`), "utf8")
      .trim()
      .split("\n")
      .slice(1),
  );
  const held = splits.map((lines) =>
    lines.filter((line) => line.endsWith(",validation")).map((line) => line.split(",")[0]),
  );
  expect(new Set(held.flat()).size).toBe(splits[0]!.length);
  expect(Math.abs(held[0]!.length - held[1]!.length)).toBeLessThanOrEqual(1);
});
