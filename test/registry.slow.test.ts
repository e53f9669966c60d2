// Every registered model of moderate size as it is, and the gradients of the toys of all.
import { describe, test } from "vitest";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { type SweepOptions, sweepFolder, sweepGradients, sweepRun } from "./registry-sweep.ts";
import { distinctToys, toyOf } from "./registry-toys.ts";

/** In pixels. Models for larger pictures are swept at this size: the same weights, but not attention between all of 4096 patches. */
const LARGEST = 512;

/** Half of the time would go to the few largest; the toys are of all. */
const TAKES_ALL = process.env.SACCADE_SWEEP === "all";
/** Models with more parameters than this take gigabytes to write, read and compile, several times over; their smaller sisters and their toys stand for them. */
const MOST_PARAMETERS = TAKES_ALL ? 190e6 : 60e6;
/** And with more products than this they take minutes to run. */
const MOST_MACS = TAKES_ALL ? 120e9 : 30e9;
const parameters = new Map(
  [...registry.keys()].map((name) => [name, parameterCount(inferenceGraph(defineModel(name)))]),
);
const ofModerateSize = [...parameters.keys()].filter((name) => {
  const definition = defineModel(name);
  if (parameters.get(name)! > MOST_PARAMETERS) return false;
  const input = definition.architecture.input(definition.config);
  if (input.kind !== "image") return true;
  const { height = 0, width = 0 } = sweptSize(input.usual);
  return modelCost(definition, { height, width }).macs <= MOST_MACS;
});

/** What a configuration says beside its numbers: which parts there are, and how they are joined. */
function kindOf(value: unknown): unknown {
  if (typeof value === "number") return "number";
  if (Array.isArray(value)) return [...new Set(value.map((entry) => JSON.stringify(kindOf(entry))))];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, kindOf(entry)]));
}

/** Of models that differ in numbers alone (classes, widths, depths, sizes), the smallest, so that this takes minutes; SACCADE_SWEEP=all takes every one. */
const ofOneKind = new Map(
  ofModerateSize
    .toSorted((a, b) => parameters.get(b)! - parameters.get(a)!)
    .map((name) => {
      const { architecture, config } = defineModel(name);
      return [TAKES_ALL ? name : JSON.stringify([architecture.name, kindOf(config)]), name];
    }),
);

describe.each([...ofOneKind.values()].reverse())("%s", (name) => {
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

// Policies of GFNet, GFV and AdaptiveNN learn by trial, those of Uni-AdaFocus from answers of their own (train/focusing): not from the answer's gradient.
const LOOKING = ["adaptivenn", "gfnet", "gfv", "uni_adafocus"];
// DynamicViT's predictors learn from masked tokens (train/reducing), where the answer's gradient reaches them.
const isLearntSo = (name: string) => {
  const { architecture, config } = registry.get(name)!;
  return LOOKING.includes(architecture) || config.tokens !== undefined;
};
const differentiable = distinctToys().filter((name) => !isLearntSo(name));

test.each(differentiable)("%s as a toy: gradients", (name) => sweepGradients(name, toyOf(name)));
