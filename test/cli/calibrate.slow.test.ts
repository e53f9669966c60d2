import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const model = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });

beforeAll(async () => {
  for (const [i, label] of labels.slice(0, 3).entries()) {
    mkdirSync(at("data", "val", label), { recursive: true });
    for (let k = 0; k < 4; k++) {
      const svg = `<svg width="80" height="64"><rect width="80" height="64" fill="${["#c33", "#3c3", "#33c"][i]}"/><circle cx="30" cy="30" r="${4 + 6 * k}" fill="#fff"/></svg>`;
      await sharp(Buffer.from(svg))
        .png()
        .toFile(at("data", "val", label, `${k}.png`));
    }
  }
});

interface Answer {
  readonly predictions: readonly { readonly index: number; readonly score: number }[];
  readonly unknown?: boolean;
}

async function answers(model: string): Promise<Answer[]> {
  const { stdout } = await cli(["classify", at("data", "val"), "-m", model, "--json", "-k", "10"]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("answers keep their order, are as sure as they are right, and unknown below a confidence, exported too", async () => {
  const mine = at("mine");
  cpSync(model, mine, { recursive: true });
  const before = await answers(mine);
  const { exitCode, stdout } = await cli(["calibrate", mine, at("data"), "--unknown-below", "0.105", "--json"]);
  expect(exitCode).toBe(0);
  const { scales, pictures, rates, before: error, after } = JSON.parse(stdout);
  expect(pictures).toBe(12);
  expect(after).toBeLessThanOrEqual(error);
  expect(rates.map(({ below }: { below: number }) => below)).toContain(0.3);

  const now = await answers(mine);
  for (const [i, { predictions, unknown }] of now.entries()) {
    const old = before[i]!.predictions;
    const powers = old.map(({ score }) => score ** scales.answer);
    const sum = powers.reduce((a, b) => a + b);
    for (const [k, { score }] of predictions.entries()) expect(score).toBeCloseTo(powers[k]! / sum, 3);
    expect(unknown).toBe(predictions[0]!.score < 0.105);
    expect(before[i]!.unknown).toBeUndefined();
  }
  expect(JSON.parse(readFileSync(join(mine, "config.json"), "utf8")).unknown_below).toBe(0.105);

  await cli(["export", mine, at("mine.onnx")]);
  const exported = await answers(at("mine.onnx"));
  expect(exported.map(({ unknown }) => unknown)).toEqual(now.map(({ unknown }) => unknown));

  // Once more changes nothing: the answers are calibrated.
  const again = JSON.parse((await cli(["calibrate", mine, at("data"), "--json"])).stdout);
  expect(again.scales.answer).toBeCloseTo(1, 2);
  expect(JSON.parse(readFileSync(join(mine, "config.json"), "utf8")).unknown_below).toBe(0.105);
});

test("people are told that no answer is sure, and the guesses", async () => {
  const mine = at("unsure");
  cpSync(model, mine, { recursive: true });
  const { stdout } = await cli(["calibrate", mine, at("data"), "--unknown-below", "0.99"]);
  expect(stdout).toContain("calibrated on 12 pictures");
  expect(stdout.split("\n").every((line) => line.length <= 80)).toBe(true);
  const said = await cli(["classify", at("data", "val", "thing 0", "0.png"), "-m", mine, "-k", "2"]);
  expect(said.stdout).toMatch(/^unknown: no answer is 99(\.0)? % sure\. The likeliest are\n +\d/);
  expect((await cli(["inspect", mine])).stdout).toContain("answers that are less than 99 % sure");
});

test.each([
  ["a bundled model", ["saccade/everyday", "data"], /part of this program/],
  ["a folder that is none", ["nowhere", "data"], /nowhere is none/],
])("%s cannot be changed", async (_, args, message) => {
  const { exitCode, notes } = await cli(["calibrate", ...args]);
  expect(exitCode).toBe(2);
  expect(notes.join("\n")).toMatch(message);
});
