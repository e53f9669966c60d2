// Runs that are stopped in every place, and one that never gets further than one step at a time.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { fitShapes, outcome } from "./fit.ts";
import { EVERYTHING, tinyRecipe } from "./shapes.ts";

const recipe = tinyRecipe({ ...EVERYTHING, epochs: 2 });
const LOG_EVERY = 3;

test("stopped after every single step, and in every evaluation", async () => {
  const files = new MemoryFiles();
  for (let resume = false; ; resume = true) {
    const stop = new AbortController();
    const finished = await fitShapes({
      recipe,
      files,
      resume,
      logEvery: LOG_EVERY,
      signal: stop.signal,
      onStep: () => stop.abort(),
    }).then(
      () => true,
      (error) => {
        expect(error).toBeInstanceOf(AbortedError);
        return false;
      },
    );
    if (finished) break;
  }
  const unbroken = new MemoryFiles();
  await fitShapes({ recipe, files: unbroken, logEvery: LOG_EVERY });
  expect(await outcome(files)).toEqual(await outcome(unbroken));
});

async function unbroken() {
  const files = new MemoryFiles();
  await fitShapes({ recipe, files, logEvery: LOG_EVERY });
  return outcome(files);
}

const reference = unbroken();

test.each([
  ["at once, before the first step", 0],
  ["between two lines of metrics, after an update", 6],
  ["after the last step of an epoch", 4],
])("stopped %s and resumed", async (_, stopAfter) => {
  const files = new MemoryFiles();
  const stop = new AbortController();
  if (stopAfter === 0) stop.abort();
  const broken = fitShapes({
    recipe,
    files,
    logEvery: LOG_EVERY,
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step === stopAfter) stop.abort();
    },
  });
  await expect(broken).rejects.toThrow(AbortedError);
  await fitShapes({ recipe, files, logEvery: LOG_EVERY, resume: true });
  expect(await outcome(files)).toEqual(await reference);
});

test("stopped in the middle of an evaluation: that is what the run goes on with", async () => {
  const files = new MemoryFiles();
  const stop = new AbortController();
  const stages: string[] = [];
  const broken = fitShapes({
    recipe,
    files,
    logEvery: LOG_EVERY,
    signal: stop.signal,
    onStage: (stage) => {
      if (stage === "evaluating") stop.abort();
    },
  });
  await expect(broken).rejects.toThrow(AbortedError);
  expect((await outcomeProgress(files)).batches_done).toBe(4);
  await fitShapes({ recipe, files, logEvery: LOG_EVERY, resume: true, onStage: (stage) => stages.push(stage) });
  expect(stages.slice(0, 2)).toEqual(["compiling", "evaluating"]);
  expect(await outcome(files)).toEqual(await reference);
});

async function outcomeProgress(files: MemoryFiles) {
  return JSON.parse(new TextDecoder().decode(await files.read("/run/checkpoints/checkpoint-4/state.json")));
}
