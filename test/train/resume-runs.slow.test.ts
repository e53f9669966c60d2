// Runs that are repeated or stopped and resumed: the same numbers, bit by bit. More places to stop at are in the slow suite.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { fitShapes, outcome } from "./fit.ts";
import { EVERYTHING, tinyRecipe } from "./shapes.ts";

// 36 pictures in batches of 8: 4 batches an epoch, updates of 2 batches, lines of metrics after steps 3, 4, 7, 8.
const recipe = tinyRecipe({ ...EVERYTHING, epochs: 2 });
const LOG_EVERY = 3;

async function unbroken() {
  const files = new MemoryFiles();
  await fitShapes({ recipe, files, logEvery: LOG_EVERY });
  return outcome(files);
}

const reference = unbroken();

test("two runs with one seed are the same; another seed is another run", async () => {
  const expected = await reference;
  expect(expected.metrics).toHaveLength(6);
  expect(await unbroken()).toEqual(expected);
  const files = new MemoryFiles();
  await fitShapes({ recipe: { ...recipe, seed: 4 }, files, logEvery: LOG_EVERY });
  const other = await outcome(files);
  expect(other.metrics[0]).not.toBe(expected.metrics[0]);
  expect(other.last).not.toBe(expected.last);
});

test("stopped after a batch whose gradients wait for the next, and resumed", async () => {
  const files = new MemoryFiles();
  const stop = new AbortController();
  const broken = fitShapes({
    recipe,
    files,
    logEvery: LOG_EVERY,
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step === 5) stop.abort();
    },
  });
  await expect(broken).rejects.toThrow(AbortedError);
  await fitShapes({ recipe, files, logEvery: LOG_EVERY, resume: true });
  expect(await outcome(files)).toEqual(await reference);
});

test("a finished run that is resumed trains no further and gives its best model", async () => {
  const files = new MemoryFiles();
  const first = await fitShapes({ recipe, files, logEvery: LOG_EVERY });
  const again = await fitShapes({ recipe, files, logEvery: LOG_EVERY, resume: true });
  expect(again.choice).toEqual(first.choice);
  expect(again.choice).toBeDefined();
  expect([...again.model.weights]).toEqual([...first.model.weights]);
  expect(await outcome(files)).toEqual(await reference);
});
