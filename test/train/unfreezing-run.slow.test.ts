// Whole runs with progressive unfreezing and dual input: frozen weights to the bit after an epoch, and runs that are stopped and resumed.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import type { TensorData } from "../../src/tensor.ts";
import type { RecipeInput } from "../../src/train/recipe-fields.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { startingPoint } from "../../src/train/start.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { fitShapes, outcome } from "./fit.ts";
import { LABELS, SIZE, tinyRecipe } from "./shapes.ts";

const PLAIN = `resize(${SIZE},${SIZE})|value_range(0,1)`;
const AUGMENTED = `resize(${SIZE},${SIZE})|random_affine(15,0.1,0.9:1.1)|color_jitter(0.2,0,0)|value_range(0,1)`;

const LIGHTWEIGHT: Partial<RecipeInput> = {
  architecture: "lightweight",
  config: { channels: [4, 6, 8, 8], hidden: 8 },
  augmentation: AUGMENTED,
  transform: PLAIN,
  no_decay: [],
  ema_decay: 0.9,
  epochs: 2,
};
const UNFREEZE = { "branches.*": 0.5 };

const bits = ({ data }: TensorData) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");

test("after an epoch of two, what is frozen for the first half is what it was to the bit; after both it is not", async () => {
  const recipe = tinyRecipe({ ...LIGHTWEIGHT, unfreeze: UNFREEZE });
  const { model } = startingPoint(recipe, LABELS);
  const files = new MemoryFiles();
  const stop = new AbortController();
  const stepsAnEpoch = 4;
  // The first step of the second epoch writes `last` of the first, and then a checkpoint.
  const onStep = ({ step }: { step: number }) => step === stepsAnEpoch + 1 && stop.abort();
  await expect(fitShapes({ recipe, files, signal: stop.signal, onStep })).rejects.toThrow(AbortedError);
  const same = async () => {
    const { tensors } = readSafetensors(await files.read("/run/last/model.safetensors"));
    return [...model.weights]
      .filter(([name, before]) => bits(before) === bits(tensors.get(name)!))
      .map(([name]) => name);
  };
  const branches = [...model.weights.keys()].filter((name) => name.startsWith("branches."));
  expect(await same()).toEqual(branches);
  await fitShapes({ recipe, files, resume: true });
  expect(await same()).toEqual([]);
});

test.each([
  ["unfreezing", { unfreeze: UNFREEZE, accumulate: 2 }],
  [
    "dual input",
    { augmentation: PLAIN, dual_input: { augmentation: AUGMENTED }, config: { channels: [4, 6, 8, 8], hidden: 0 } },
  ],
] as const)("a run with %s that is stopped and resumed comes to the same", async (_, changes) => {
  const recipe = tinyRecipe({ ...LIGHTWEIGHT, ...changes });
  const whole = new MemoryFiles();
  await fitShapes({ recipe, files: whole });
  const broken = new MemoryFiles();
  const stop = new AbortController();
  const onStep = ({ step }: { step: number }) => step === 3 && stop.abort();
  await expect(fitShapes({ recipe, files: broken, signal: stop.signal, onStep })).rejects.toThrow(AbortedError);
  await fitShapes({ recipe, files: broken, resume: true });
  expect(await outcome(broken)).toEqual(await outcome(whole));
});
