// Training and evaluation as a library's user calls them: nobody names a recipe, a few pictures, progress, and a signal that stops it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AbortedError, evaluate, type TrainPlan, train } from "../src/node.ts";
import { temporaryFolder } from "./cli/mini-model.ts";
import { LABELS, TINY_INPUT, writeShapes } from "./train/shapes.ts";

const folder = temporaryFolder();
const engine = { device: "cpu", threads: 1, workers: 1 } as const;

test("no recipe, 27 pictures: the bundled model is fine-tuned in small batches, and it is said", async () => {
  const data = await writeShapes(join(folder, "few"), { train: 9 });
  const notices: string[] = [];
  const plans: TrainPlan[] = [];
  const epochs: (number | undefined)[] = [];
  const { choice, ...result } = await train(data, {
    ...engine,
    epochs: 1,
    folder: join(folder, "default"),
    onNotice: (line) => notices.push(line),
    onPlan: (plan) => plans.push(plan),
    onEpoch: (_, __, scores) => epochs.push(scores?.pictures),
  });
  expect(plans.map(({ recipe }) => [recipe.name, recipe.batch, recipe.from])).toEqual([
    ["fine-tune", 4, "saccade/photographs"],
  ]);
  expect(notices.join("\n")).toMatch(/no recipe was named, so fine-tune: .*; 24 training pictures, so batches of 4/);
  expect(notices.join("\n")).toMatch(/weights of saccade\/photographs; fresh: [\w., ]*weight/);
  expect(result).toEqual({
    folder: join(folder, "default"),
    model: join(folder, "default", "best"),
    last: join(folder, "default", "last"),
    recipe: "fine-tune",
    labels: [...LABELS].sort(),
    data,
    problems: [],
  });
  expect(choice?.best.pictures).toBe(3);
  expect(epochs).toEqual([3]);
});

test("a signal stops it, the run goes on by itself, and its model is measured on what was held back", async () => {
  const data = await writeShapes(join(folder, "data"), { train: 8, val: 4 });
  const run = join(folder, "run");
  const stop = new AbortController();
  const steps: number[] = [];
  const stopped = train(data, {
    ...engine,
    recipe: TINY_INPUT,
    folder: run,
    signal: stop.signal,
    onStep: ({ step }) => {
      steps.push(step);
      stop.abort();
    },
  });
  await expect(stopped).rejects.toBeInstanceOf(AbortedError);
  expect(steps).toEqual([1]);
  const { model, problems } = await train(undefined, {
    folder: run,
    resume: true,
    workers: 1,
    onStep: ({ step }) => steps.push(step),
  });
  expect([steps, problems]).toEqual([[1, 2, 3, 4, 5, 6], []]);
  expect(JSON.parse(readFileSync(join(run, "inputs.json"), "utf8"))).toMatchObject({ threads: 1, device: "cpu" });

  const progress: number[] = [];
  const measured = await evaluate(model, data, { ...engine, sessions: 1, onProgress: (done) => progress.push(done) });
  expect(measured).toMatchObject({ split: "validation", data, device: "cpu", accuracy: { count: 12 } });
  expect(progress).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  const { top1, top1Interval } = measured.accuracy;
  expect(top1Interval.low <= top1 && top1 <= top1Interval.high).toBe(true);
  await expect(evaluate(model, data, { ...engine, signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AbortedError);
});

test("what cannot be is an error that says so, and leaves nothing behind", async () => {
  const out = join(folder, "never");
  await expect(train(undefined, { folder: out })).rejects.toThrow("no data was given");
  await expect(train(join(folder, "nowhere"), { folder: out })).rejects.toThrow("data not found");
  await expect(train(folder, { recipe: { ...TINY_INPUT, epochs: 0 }, folder: out })).rejects.toThrow("epochs");
  expect(existsSync(out)).toBe(false);
});
