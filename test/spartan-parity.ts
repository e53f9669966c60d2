// A SpaRTAN golden as a model. Of wide maps cases hold the first channels only.
import { defineModel } from "../src/models/registry.ts";
import { loadGolden } from "./golden-case.ts";
import type { LayerCase } from "./layer-parity.ts";

export function spartanCase(name: string): LayerCase {
  const golden = loadGolden(name)!;
  // The official stages count from zero.
  const place = (output: string) => ({
    name: output.replace(/^stage\.(\d+)$/, (_, stage: string) => `stage.${Number(stage) + 1}`),
  });
  return { golden, definition: defineModel("spartan", golden.config), place };
}
