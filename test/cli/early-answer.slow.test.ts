// The bundled model has an early answer: the commands stop after it when they are asked to, and only then.
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AdaptiveClassifier, decodeImage, StreamClassifier, type StreamOptions } from "../../src/node.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder } from "./mini-model.ts";

const folder = temporaryFolder();
const data = join(folder, "data");
for (const [label, picture] of [
  ["beach", PASTORAL],
  ["bus", BOATS],
] as const) {
  mkdirSync(join(data, label), { recursive: true });
  copyFileSync(picture, join(data, label, "1.jpg"));
}

test("classify stops after the early answer when it is sure enough", async () => {
  const run = async (...args: string[]) => {
    const { exitCode, stdout } = await cli(["classify", PASTORAL, "--json", "--device", "cpu", ...args]);
    expect(exitCode).toBe(0);
    return JSON.parse(stdout);
  };
  const whole = await run();
  expect(whole.steps).toBeUndefined();
  const all = await run("--threshold", "1");
  expect(all.steps.map(({ name }: { name: string }) => name)).toEqual(["focus", "cortex"]);
  expect(all.predictions[0].label).toBe(whole.predictions[0].label);
  expect(all.predictions[0].score).toBeCloseTo(whole.predictions[0].score, 3);
  const early = await run("--threshold", "0");
  expect(early.stopped).toBe("confident");
  expect(early.steps).toHaveLength(1);
  expect(early.steps[0].macs).toBeLessThan(all.steps[1].macs);
});

test("a stream's looks stop as early as a picture's", async () => {
  const first = await decodeImage(PASTORAL);
  const scoreOf = async (options: StreamOptions) => {
    await using stream = await StreamClassifier.load("saccade/everyday", { device: "cpu", ...options });
    return (await stream.push(first))!.predictions[0]!.score;
  };
  await using adaptive = await AdaptiveClassifier.load("saccade/everyday", { device: "cpu" });
  const early = await adaptive.classify(PASTORAL, { threshold: 0 });
  expect(await scoreOf({ threshold: 0 })).toBeCloseTo(early.predictions[0]!.score, 4);
  expect(await scoreOf({})).not.toBeCloseTo(early.predictions[0]!.score, 4);
});

test("--explain draws what was looked at before the stop, which is what a whole run looks at", async () => {
  const out = join(folder, "looked.png");
  const run = async (...args: string[]) => {
    const { exitCode, stdout } = await cli(["classify", PASTORAL, "--json", "--explain", out, ...args]);
    expect(exitCode).toBe(0);
    return JSON.parse(stdout);
  };
  const early = await run("--threshold", "0");
  expect(early.steps).toHaveLength(1);
  expect(early.explained).toBe(out);
  expect(statSync(out).size).toBeGreaterThan(1000);
  const whole = await run();
  expect(early.gaze.stages.map(({ name }: { name: string }) => name)).toEqual(
    whole.gaze.stages.map(({ name }: { name: string }) => name),
  );
  expect(early.gaze.view_to_picture).toEqual(whole.gaze.view_to_picture);
  for (const [i, { points }] of early.gaze.stages.entries()) {
    const others = whole.gaze.stages[i].points as number[];
    expect(Math.max(...(points as number[]).map((value, at) => Math.abs(value - others[at]!)))).toBeLessThan(1e-3);
  }
});

test("thresholds of the bundled model are not for saving: its folder is part of the program", async () => {
  const { exitCode, notes } = await cli(["eval", "saccade/everyday", data, "--steps", "--save-thresholds"]);
  expect(exitCode).toBe(2);
  expect(notes.join("\n")).toMatch(/saccade\/everyday is part of this program/);
});
