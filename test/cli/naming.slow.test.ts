// saccade classify --as: labels that come with the command.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { writeTextTower } from "../text-toys.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const pictures = writeMini(folder, "sparseformer_clip_mini_64x64");
const texts = writeTextTower(folder, 12);
const own = writeMini(join(folder, "own"), "sparseformer_clip_mini_64x64", { text_model: texts });
const MODELS = ["-m", pictures, "--text-model", texts, "--device", "cpu"];

beforeAll(() => {
  process.env.SACCADE_CACHE = join(folder, "cache");
});

const predictions = (line: string) =>
  (JSON.parse(line).predictions as { label: string; score: number }[]).map(({ label }) => label);

test("labels on the command line and in a file are the same; a folder may say which text model it has", async () => {
  const list = join(folder, "labels.txt");
  writeFileSync(list, "a sheep\na boat\na dog\n");
  const as = await cli(["classify", PASTORAL, BOATS, ...MODELS, "--as", "a sheep, a boat", "--as", "a dog", "--json"]);
  expect(as.exitCode).toBe(0);
  const file = await cli(["classify", PASTORAL, BOATS, "-m", own, "--device", "cpu", "--as-file", list, "--json"]);
  const answers = (text: string) => text.trimEnd().split("\n").map(predictions);
  expect(answers(file.stdout)).toEqual(answers(as.stdout));
  expect(answers(as.stdout)[0]!.toSorted()).toEqual(["a boat", "a dog", "a sheep"]);
});

describe("refused, with exit code 2", () => {
  test.each<[string, string[], RegExp]>([
    ["an empty label", [...MODELS, "--as", "a sheep,"], /label 2 of 2 is empty/],
    ["a label twice", [...MODELS, "--as", "a sheep, A Sheep"], /are the same/],
    ["one label", [...MODELS, "--as", "a sheep"], /always right/],
    ["a template without a place", [...MODELS, "--as", "a,b", "--template", "photo"], /no place/],
    ["an unknown form", [...MODELS, "--as", "a,b", "--template", "{plural}"], /unknown form/],
    ["a label that is too long", [...MODELS, "--as", `a,${" boat".repeat(90)}`], /--truncate/],
    ["a template without labels", [...MODELS, "--template", "{}"], /--as/],
    ["labels of both kinds", [...MODELS, "--as", "a,b", "--as-file", "x"], /cannot be together/],
    ["a model without a text model", ["-m", pictures, "--as", "a,b"], /has no text model/],
    ["a text model for pictures", ["-m", texts], /pictures are wanted/],
  ])("%s", async (_, flags, message) => {
    const { exitCode, stdout, notes } = await cli(["classify", PASTORAL, ...flags]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(notes.join("\n")).toMatch(message);
  });
});

test("without a model, the CLIP one is meant, and how to get it is said", async () => {
  const { exitCode, notes } = await cli(["classify", PASTORAL, "--as", "a sheep, a boat"]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain("saccade pull sparseformer_btsp_openai_clip_base");
});
