import { expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { Scope } from "../graph/scope.ts";
import { Graph } from "../graph/tensor.ts";
import { type GroupRules, parameterRules } from "./parameter-groups.ts";

const PARAMETERS: Readonly<Record<string, readonly number[]>> = {
  "feat_extractor.conv1.weight": [8, 3, 7, 7],
  "feat_extractor.conv1.bias": [8],
  "initial_roi.weight": [4, 4],
  "initial_embedding.weight": [4, 16],
  "layers.0.norm1.weight": [16],
  "layers.0.norm1.bias": [16],
  "layers.0.attn.qkv.weight": [48, 16],
  "layers.0.attn.qkv.bias": [48],
  "layers.0.adaptive_mixing.m_beta": [8],
  "layers.1.mlp.fc1.weight": [64, 16],
  "exits.0.norm.weight": [16],
  "exits.0.proj.weight": [3, 16],
  "norm.weight": [16],
  "proj.weight": [3, 16],
  "proj.bias": [3],
};

function rulesOf(rules: Partial<GroupRules>) {
  const graph = new Graph();
  const scope = new Scope(graph);
  for (const [name, shape] of Object.entries(PARAMETERS)) scope.parameter(name, shape, { kind: "zeros" });
  return parameterRules(graph.parameters.values(), { weightDecay: 0.05, ...rules });
}

test("the official rule: layer norms, biases, 1-D tensors and regions do not decay", () => {
  const rules = rulesOf({ noDecay: ["initial_roi.*"] });
  const decaying = [...rules].filter(([, { weightDecay }]) => weightDecay > 0).map(([name]) => name);
  expect(decaying).toEqual([
    "feat_extractor.conv1.weight",
    "initial_embedding.weight",
    "layers.0.attn.qkv.weight",
    "layers.1.mlp.fc1.weight",
    "exits.0.proj.weight",
    "proj.weight",
  ]);
  expect([...rules.values()].every(({ trains, rateScale }) => trains && rateScale === 1)).toBe(true);
});

test("freezing by name: * matches anything, everything else is meant literally", () => {
  const rules = rulesOf({ freeze: ["feat_extractor.*", "layers.0.norm1.weight", "*.qkv.weight"] });
  const frozen = [...rules].filter(([, { trains }]) => !trains).map(([name]) => name);
  expect(frozen).toEqual([
    "feat_extractor.conv1.weight",
    "feat_extractor.conv1.bias",
    "layers.0.norm1.weight",
    "layers.0.attn.qkv.weight",
  ]);
});

test("unfreezing by name: of several patterns the latest counts, and all others train from the beginning", () => {
  const rules = rulesOf({
    unfreeze: { "feat_extractor.*": 0.5, "layers.*": 0.2, "layers.0.*": 0.4, "*.qkv.weight": 0.3 },
  });
  const waking = (name: string) => rules.get(name)!.wakesAt;
  expect(waking("feat_extractor.conv1.bias")).toBe(0.5);
  expect(waking("layers.0.attn.qkv.weight")).toBe(0.4);
  expect(waking("layers.1.mlp.fc1.weight")).toBe(0.2);
  expect(waking("proj.weight")).toBe(0);
  expect([...rules.values()].every(({ trains }) => trains)).toBe(true);
  expect(() => rulesOf({ unfreeze: { "layers_0.*": 0.1 } })).toThrow('no parameter is named like "layers_0.*"');
});

test("a pattern that freezes nothing is a mistake; one that excepts nothing from decay is not", () => {
  expect(() => rulesOf({ freeze: ["layers_0.*"] })).toThrow(UsageError);
  expect(() => rulesOf({ freeze: ["proj"] })).toThrow('no parameter is named like "proj"');
  expect(() => rulesOf({ noDecay: ["token_roi"] })).not.toThrow();
});

test("layer decay as in BEiT and MAE: full rate at the top, one factor less each layer down, stems and embeddings below the first", () => {
  const rules = rulesOf({ layerDecay: 0.5 });
  const scale = (name: string) => rules.get(name)!.rateScale;
  expect(scale("proj.weight")).toBe(1);
  expect(scale("norm.weight")).toBe(1);
  expect([scale("exits.0.norm.weight"), scale("exits.0.proj.weight")]).toEqual([1, 1]);
  expect(scale("layers.1.mlp.fc1.weight")).toBe(0.5);
  expect(scale("layers.0.attn.qkv.weight")).toBe(0.25);
  expect(scale("feat_extractor.conv1.weight")).toBe(0.125);
  expect(scale("initial_roi.weight")).toBe(0.125);
});

test("rates by name: the first pattern that fits, times the layer's own factor; a pattern that fits nothing is a mistake", () => {
  const rules = rulesOf({ rateScales: { "proj.*": 10, "*.weight": 3 }, layerDecay: 0.5 });
  const scale = (name: string) => rules.get(name)!.rateScale;
  expect([scale("proj.weight"), scale("proj.bias")]).toEqual([10, 10]);
  expect([scale("layers.1.mlp.fc1.weight"), scale("layers.0.norm1.bias")]).toEqual([1.5, 0.25]);
  expect(() => rulesOf({ rateScales: { "head.*": 2 } })).toThrow('no parameter is named like "head.*"');
});

test("decay of everything: biases and 1-D tensors too, but not what is excepted by name", () => {
  const rules = rulesOf({ weightDecay: 0.05, decayAll: true, noDecay: ["norm.*"] });
  const decay = (name: string) => rules.get(name)!.weightDecay;
  expect([decay("proj.bias"), decay("layers.0.norm1.weight"), decay("norm.weight")]).toEqual([0.05, 0.05, 0]);
});
