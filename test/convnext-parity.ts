// A golden of the official ConvNeXt as a model. Of wide maps cases hold the first channels only.
import { defineModel } from "../src/models/registry.ts";
import { loadGolden } from "./golden-case.ts";
import type { LayerCase } from "./layer-parity.ts";

export function convnextCase(name: string): LayerCase {
  const golden = loadGolden(name)!;
  const architecture = name.includes("isotropic") ? "convnext_isotropic" : "convnext";
  // The official stages count from zero.
  const place = (output: string) => ({
    name: output.replace(/^stages\.(\d+)$/, (_, stage: string) => `stage.${Number(stage) + 1}`),
  });
  return { golden, definition: defineModel(architecture, golden.config), place };
}
