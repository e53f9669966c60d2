import { expect, test } from "vitest";
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
