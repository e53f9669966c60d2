// Runs of models that learn which tokens to keep: stopped and resumed to the same numbers, and what stays as it was to the bit.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import type { NativeModel } from "../../src/model-folder/model.ts";
import type { RecipeInput } from "../../src/train/recipe-fields.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { startingPoint } from "../../src/train/start.ts";
import { fitShapes, outcome } from "./fit.ts";
import { LABELS, SIZE, tinyRecipe } from "./shapes.ts";

const CONFIG = { img_size: SIZE, patch_size: 8, embed_dim: 16, depth: 3, num_heads: 2 };

const recipeOf = (changes: Partial<RecipeInput>) =>
  tinyRecipe({ architecture: "vit", config: CONFIG, epochs: 1, no_decay: [], ...changes });

/** A dense ViT, as if it had been trained. */
const dense: NativeModel = startingPoint(recipeOf({}), LABELS).model;

const REDUCED: Readonly<Record<string, Partial<RecipeInput>>> = {
  dynamicvit: { grow: { tokens: "keep=0.5@1,2:dynamicvit" }, ema_decay: 0.9, accumulate: 2 },
  "ia-red2": { grow: { tokens: "policy@0,1:ia-red2" }, reducing: { group: 1 } },
  evit: { grow: { tokens: "keep=0.5@0,1:evit" }, reducing: { shrink_until: 0.8 } },
};

async function run(changes: Partial<RecipeInput>, stopAt?: number) {
  const recipe = recipeOf(changes);
  const files = new MemoryFiles();
  if (stopAt !== undefined) {
    const stop = new AbortController();
    const onStep = ({ step }: { readonly step: number }) => {
      if (step === stopAt) stop.abort();
    };
    await expect(fitShapes({ recipe, from: dense, files, signal: stop.signal, onStep })).rejects.toThrow(AbortedError);
  }
  const { model } = await fitShapes({ recipe, from: dense, files, resume: stopAt !== undefined });
  return { model, outcome: await outcome(files) };
}

test.each(Object.entries(REDUCED))("%s: stopped, resumed", async (system, changes) => {
  const whole = await run(changes);
  expect((await run(changes, 3)).outcome).toEqual(whole.outcome);
  const names = [...whole.model.weights.keys()];
  expect(names.filter((name) => name.startsWith("teacher."))).toEqual([]);
  const changed = names.filter((name) => {
    const before = dense.weights.get(name);
    return before !== undefined && Buffer.compare(bytes(before.data), bytes(whole.model.weights.get(name)!.data)) !== 0;
  });
  if (system === "ia-red2") expect(changed).toEqual([]);
  else expect(changed).toContain("blocks.0.attn.qkv.weight");
});

const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
