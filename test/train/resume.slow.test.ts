// A run that never gets further than one step at a time.
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
