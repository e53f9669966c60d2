// The transformer families at full size against timm's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { expectSessionParity } from "./backbone-parity.ts";

const CASES = [
  "vit_base_patch16_224",
  "deit_small_patch16_224",
  "swin_tiny_patch4_window7_224",
  "crossvit_9_dagger_240",
];

describe.each(CASES)("%s", (model) => {
  const name = `timm/${model}`;
  test("native", () => expectSessionParity(name, "cpu"));
  test("native, standard operators only", () => expectSessionParity(name, "cpu", "portable"));
  test("WebAssembly", () => expectSessionParity(name, "wasm"));
});
