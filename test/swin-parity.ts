// A golden of the Swin family as a model: which member it is of, its case is called after.
import { defineModel } from "../src/models/registry.ts";
import { loadGolden } from "./golden-case.ts";
import type { LayerCase } from "./layer-parity.ts";

export function swinCase(name: string): LayerCase {
  const golden = loadGolden(name)!;
  const [, member = "swin"] = /\/(swinv2|swin_mlp)_/.exec(name) ?? [];
  // An official stage ends with the merging that begins the next one here, and stages count from zero.
  const place = (output: string) => ({ name: output === "layers.0" ? "merged.1" : output });
  return { golden, definition: defineModel(member, golden.config), place };
}
