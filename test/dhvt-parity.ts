// A DHVT golden as a model: registered configurations by their official name, toys by their fields.
import { defineModel } from "../src/models/registry.ts";
import { loadGolden } from "./golden-case.ts";
import type { LayerCase, Place } from "./layer-parity.ts";

export function dhvtCase(name: string): LayerCase {
  const golden = loadGolden(name)!;
  const { factory = "dhvt", ...config } = golden.config as { factory?: string };
  return { golden, definition: defineModel(factory, config), place };
}

function place(output: string): Place {
  if (output === "patch_tokens") return { name: "patch_embed" };
  const block = /^block\.(\d+)$/.exec(output)?.[1];
  // The official blocks count from zero and keep the class token in front.
  return block === undefined ? { name: output } : { name: `block.${Number(block) + 1}`, skip: [0, 1, 0] };
}
