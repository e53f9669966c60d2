// saccade pretrain: what cannot be is said before anything costs time.
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";
import { errorOf, writeRecipe } from "./train-cases.ts";

const folder = temporaryFolder();
const classes = writeRecipe(join(folder, "classes.json"));
const turned = writeRecipe(join(folder, "turned.json"), { name: "turned", pretext: { objective: "rotation" } });

test.each<[readonly string[], RegExp]>([
  [[folder], /nothing says what to learn from the pictures\n {2}--objective rotation/],
  [[folder, "--objective", "rotation"], /nothing says which model learns\n {2}--model NAME/],
  [[folder, "--objective", "rotation", "--model", "resnet18", "--from", folder], /says what it is/],
  [[folder, "--recipe", classes], /the recipe tiny learns classes, and pre-training has none/],
  [[folder, "--recipe", turned, "--size", "32"], /the recipe says what is learnt by which model/],
  [[folder, "--recipe", turned], /there is no picture in /],
  [[folder, "--objective", "rotation", "--model", "clip_text"], /text model/],
  [[folder, "--probe-every", "2"], /not on which pictures\n {2}--probe DATA/],
  [
    [folder, "--objective", "rotation", "--model", "resnet17"],
    /model not found: resnet17\n {2}did you mean resnet18\?/,
  ],
  [["--resume"], /nothing says which run to go on with/],
  [["--resume", "--out", folder, "--size", "32"], /goes on as it began/],
])("%j", async (args, message) => {
  const { exitCode, notes } = await cli(["pretrain", ...args, "--device", "cpu"]);
  expect(errorOf(notes)).toMatch(message);
  expect(exitCode).toBe(/^(there is no picture|model not found)/.test(message.source) ? 1 : 2);
});
