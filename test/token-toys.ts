// Toys of registered transformers that go on with fewer tokens: two blocks, 3 x 5 patches.
import type { SweepOptions } from "./registry-sweep.ts";
import { toyOf } from "./registry-toys.ts";

export const REDUCTIONS = [
  "keep=0.6@0,1:prune",
  "keep=0.6@0,1:evit",
  "merge=4:tome",
  "merge=6..2:tome+noprop",
  "transform=0.5@0,1:transforming",
];

/** With a class token, and with a distillation token besides. */
export const REDUCED_MODELS = ["deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"];

export function reducedToy(name: string, tokens: string): SweepOptions {
  const toy = toyOf(name);
  return { ...toy, config: { ...toy.config, tokens } };
}
