// A run on clips that is stopped in the middle of an epoch and goes on, with all that draws random numbers or carries state.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { fitShapes, outcome } from "./fit.ts";
import { shapeClips, VIDEO } from "./shape-clips.ts";
import { EVERYTHING, tinyRecipe } from "./shapes.ts";

test("a run on clips goes on to the same numbers after it was stopped", async () => {
  const data = { train: shapeClips(6), heldOut: shapeClips(2, 1000) };
  const recipe = tinyRecipe({ ...VIDEO, ...EVERYTHING, config: { ...VIDEO.config, drop_path_rate: 0.2 }, epochs: 2 });
  const [broken, unbroken] = [new MemoryFiles(), new MemoryFiles()];
  const stop = new AbortController();
  const onStep = ({ step }: { step: number }) => {
    if (step === 3) stop.abort();
  };
  await expect(fitShapes({ recipe, files: broken, ...data, signal: stop.signal, onStep })).rejects.toThrow(
    AbortedError,
  );
  await fitShapes({ recipe, files: broken, ...data, resume: true });
  await fitShapes({ recipe, files: unbroken, ...data });
  expect(await outcome(broken)).toEqual(await outcome(unbroken));
});
