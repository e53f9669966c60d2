// A run that trains AdaptiveNN: it goes on to the same numbers after it was stopped, and says how right each look is.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { fitShapes, outcome } from "./fit.ts";
import { FIXATING_TOY } from "./fixating-toy.ts";
import { tinyRecipe } from "./shapes.ts";

test("a run that was stopped goes on to the same numbers, and says how right each look is", async () => {
  const recipe = tinyRecipe({ architecture: "adaptivenn", config: FIXATING_TOY, epochs: 1, learning_rate: 1e-3 });
  const whole = new MemoryFiles();
  const evaluations: (readonly number[] | undefined)[] = [];
  await fitShapes({
    recipe,
    files: whole,
    logEvery: 2,
    onEpoch: (_epoch, _report, evaluation) => {
      evaluations.push(evaluation?.looks);
    },
  });
  expect(evaluations.map((looks) => looks?.length)).toEqual([FIXATING_TOY.seq_len + 1]);
  const files = new MemoryFiles();
  const stop = new AbortController();
  const broken = fitShapes({
    recipe,
    files,
    logEvery: 2,
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step === 2) stop.abort();
    },
  });
  await expect(broken).rejects.toThrow(AbortedError);
  await fitShapes({ recipe, files, logEvery: 2, resume: true });
  expect(await outcome(files)).toEqual(await outcome(whole));
});
