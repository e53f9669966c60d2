// Clips from the command line: made, learnt from, measured, classified.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VIDEO } from "../train/shape-clips.ts";
import { TINY_INPUT, writeShapes } from "../train/shapes.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";

const folder = temporaryFolder();

test("a video model is trained on clips, measured on them, and names one", async () => {
  const source = await writeShapes(join(folder, "shapes"), { train: 4, val: 2 });
  const clips = join(folder, "clips");
  const made = ["--size", "32", "--frames", "6", "--kinds", "size,appearance", "--count", "16", "--held-out", "8"];
  expect((await cli(["motion", source, clips, ...made])).exitCode).toBe(0);
  const recipe = join(folder, "recipe.json");
  writeFileSync(recipe, JSON.stringify({ ...TINY_INPUT, ...VIDEO, epochs: 1 }));
  const run = join(folder, "run");
  const trained = await cli(["train", clips, "--recipe", recipe, "--out", run, "--device", "cpu"]);
  expect([trained.exitCode, trained.notes.join("\n")]).toEqual([
    0,
    expect.stringContaining("train: 16 clips of 4 classes"),
  ]);
  expect(JSON.parse(readFileSync(join(run, "best", "config.json"), "utf8")).clip).toEqual({ frames: 4, clips: 1 });

  const measured = await cli(["eval", join(run, "best"), clips, "--json", "--device", "cpu"]);
  expect([measured.exitCode, measured.notes.join("\n")]).toEqual([0, expect.stringMatching(/each video: .*1 clip/)]);
  expect(JSON.parse(measured.stdout)).toMatchObject({ count: 8, split: "validation", data: clips });
  const more = await cli([
    "eval",
    join(run, "best"),
    clips,
    "--clips",
    "2",
    "--limit",
    "3",
    "--json",
    "--device",
    "cpu",
  ]);
  expect(JSON.parse(more.stdout)).toMatchObject({ count: 3, views: expect.stringContaining("2 clips") });
  const refused = await cli(["eval", join(run, "best"), clips, "--steps"]);
  expect([refused.exitCode, refused.notes.at(-1)]).toEqual([2, expect.stringContaining("--steps is of pictures")]);

  const clip = join(clips, "val", "appears", "000003.webp");
  const named = await cli(["classify", clip, "--model", join(run, "best"), "--json", "--device", "cpu"]);
  expect(named.exitCode).toBe(0);
});
