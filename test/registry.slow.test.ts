// Every registered model at full size, and the gradients of its toy.
import { describe, test } from "vitest";
import { defineModel, registry } from "../src/models/registry.ts";
import { type SweepOptions, sweepFolder, sweepGradients, sweepRun } from "./registry-sweep.ts";
import { distinctToys, toyOf } from "./registry-toys.ts";

/** In pixels. Models for larger pictures are swept at this size: the same weights, but not attention between all of 4096 patches. */
const LARGEST = 512;

describe.each([...registry.keys()])("%s", (name) => {
  const { architecture, config } = defineModel(name);
  const input = architecture.input(config);
  const size = input.kind === "text" ? {} : sweptSize(input.usual);
  test("initialise, write, read", () => sweepFolder(name, size));
  test("export, run", () => sweepRun(name, size));
});

function sweptSize({ height, width }: { readonly height: number; readonly width: number }): SweepOptions {
  const isLarge = Math.max(height, width) > LARGEST;
  return isLarge ? { config: { img_size: LARGEST }, height: LARGEST, width: LARGEST } : { height, width };
}

// Policies of GFNet and GFV learn by trial, those of Uni-AdaFocus from answers of their own (train/focusing): not from the answer's gradient.
const LOOKING = ["gfnet", "gfv", "uni_adafocus"];
// DynamicViT's predictors learn from masked tokens (train/reducing), where the answer's gradient reaches them.
const isLearntSo = (name: string) => {
  const { architecture, config } = registry.get(name)!;
  return LOOKING.includes(architecture) || config.tokens !== undefined;
};
const differentiable = distinctToys().filter((name) => !isLearntSo(name));

test.each(differentiable)("%s as a toy: gradients", (name) => sweepGradients(name, toyOf(name)));
