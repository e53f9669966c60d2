// Every registered model at full size, and the gradients of its toy.
import { describe, test } from "vitest";
import { defineModel, registry } from "../src/models/registry.ts";
import { sweepFolder, sweepGradients, sweepRun } from "./registry-sweep.ts";
import { distinctToys, toyOf } from "./registry-toys.ts";

describe.each([...registry.keys()])("%s", (name) => {
  const { architecture, config } = defineModel(name);
  const input = architecture.input(config);
  const size = input.kind === "text" ? {} : { height: input.usual.height, width: input.usual.width };
  test("initialise, write, read", () => sweepFolder(name, size));
  test("export, run", () => sweepRun(name, size));
});

// Policies of GFNet and GFV learn by trial, those of Uni-AdaFocus from answers of their own (train/focusing): not from the answer's gradient.
const LOOKING = ["gfnet", "gfv", "uni_adafocus"];
// DynamicViT's predictors learn from masked tokens (train/reducing), where the answer's gradient reaches them.
const isLearntSo = (name: string) => {
  const { architecture, config } = registry.get(name)!;
  return LOOKING.includes(architecture) || config.tokens !== undefined;
};
const differentiable = distinctToys().filter((name) => !isLearntSo(name));

test.each(differentiable)("%s as a toy: gradients", (name) => sweepGradients(name, toyOf(name)));
