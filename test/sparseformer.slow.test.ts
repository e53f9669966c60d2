// SparseFormer at full size against the official code's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { loadGolden } from "./golden-case.ts";
import { expectSessionParity } from "./sparseformer-parity.ts";

const CASES = [
  "sparseformer/sparseformer_v1_tiny",
  "sparseformer/sparseformer_v1_small",
  "sparseformer/sparseformer_v1_base",
  "sparseformer/sparseformer_btsp_augreg_base",
  "sparseformer/sparseformer_btsp_openai_clip_base",
  "video/media_sparseformer_v1_tiny_r4_8x112x112",
];

describe.each(CASES)("%s", (name) => {
  test("native", () => expectSessionParity(loadGolden(name)!, "cpu"));
  test("native, standard operators only", () => expectSessionParity(loadGolden(name)!, "cpu", "portable"));
  test("WebAssembly", () => expectSessionParity(loadGolden(name)!, "wasm"));
});

describe.each(["v1", "btsp", "clip"])("sparseformer_%s_mini_48x80", (release) => {
  test("WebAssembly", () =>
    expectSessionParity(loadGolden(`sparseformer/sparseformer_${release}_mini_48x80`)!, "wasm"));
});
