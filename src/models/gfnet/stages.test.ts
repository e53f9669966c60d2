import { expect, test } from "vitest";
import { countMacs } from "../../graph/macs.ts";
import { stageGraphs } from "../graph.ts";
import { defineModel } from "../registry.ts";
import type { GfnetConfig } from "./config.ts";
import { encoderSizes } from "./encoder.ts";

test("the map that a stage hands on has the size that the backbone as configured gives", () => {
  const sideOf = (fields: Record<string, unknown>) => {
    const config = defineModel("gfnet", { ...fields, T: 2 }).config as GfnetConfig;
    return encoderSizes(config, config.patch_size).side;
  };
  expect(sideOf({ arch: "resnet50", patch_size: 96 })).toBe(3);
  const small = { block: "BasicBlock", layers: [1, 1, 1], channels: [8, 8, 8], stem_channels: 4 };
  expect(sideOf({ arch: "resnet50", backbone: small, patch_size: 64 })).toBe(4);
});

test("steps cost the same whether pictures come as numbers or as bytes", () => {
  const backbone = { block: "BasicBlock", layers: [1], channels: [8], stem_channels: 4 };
  const definition = defineModel("gfnet", { arch: "resnet50", backbone, patch_size: 32, image_size: 64, T: 2 });
  const macsOf = (form: Parameters<typeof stageGraphs>[1]) =>
    [...stageGraphs(definition, form)!.graphs.values()].map((graph) => countMacs(graph, new Map([["batch", 1]])).total);
  const pixels = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } as const;
  expect(macsOf({ pixels })).toEqual(macsOf({}));
});
