// The bundled model has an early answer: the commands stop after it when they are asked to, and only then.
import { expect, test } from "vitest";
import { cli } from "./fake-terminal.ts";
import { PASTORAL } from "./mini-model.ts";

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

test("a drawing of an early stop is refused in words, before anything is run", async () => {
  const { exitCode, notes } = await cli(["classify", PASTORAL, "--threshold", "0.5", "--explain", "looked.png"]);
  expect(exitCode).toBe(2);
  expect(notes.join("\n")).toMatch(/--explain draws what saccade\/everyday looks at when it is not stopped early/);
});
