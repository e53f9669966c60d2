// The transformer families against timm's numbers at toy size: odd pictures, padded and shifted windows, resampled positions; in the
// interpreter, natively, and one of each family in WebAssembly.
import { describe, test } from "vitest";
import { expectInterpreterParity, expectSessionParity } from "./backbone-parity.ts";

const TOYS = [
  "vit_mini",
  "vit_mini_mlp_ratio_no_bias",
  "vit_mini_resampled",
  "deit_mini_distilled",
  "deit_mini_distilled_resampled",
  "swin_mini",
  "swin_mini_padded",
  "swin_mini_larger_windows",
  "swin_mini_smaller_windows",
  "crossvit_mini_dagger",
  "crossvit_mini_deep_fusion",
  "crossvit_mini_resampled",
];

describe.each(TOYS)("%s", (toy) => {
  const name = `timm-mini/${toy}`;
  test("interpreter", () => expectInterpreterParity(name));
  test("native", () => expectSessionParity(name, "cpu"));
});

test.each(["deit_mini_distilled", "swin_mini_padded", "crossvit_mini_dagger"])(
  "%s in WebAssembly, standard operators only",
  (toy) => expectSessionParity(`timm-mini/${toy}`, "wasm", "portable"),
);
