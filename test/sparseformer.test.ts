// SparseFormer against the official code's numbers: every toy-size case, in the interpreter, natively and in WebAssembly.
import { describe, test } from "vitest";
import { loadGolden } from "./golden-case.ts";
import { expectInterpreterParity, expectSessionParity } from "./sparseformer-parity.ts";

const CASES = [
  "sparseformer_v1_mini_64x64",
  "sparseformer_v1_mini_48x80",
  "sparseformer_btsp_mini_64x64",
  "sparseformer_btsp_mini_48x80",
  "sparseformer_clip_mini_64x64",
  "sparseformer_clip_mini_48x80",
  "media_sparseformer_v1_mini_r1_0",
  "media_sparseformer_v1_mini_r4_0",
];

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(`sparseformer/${name}`)!;
  test("interpreter", () => expectInterpreterParity(golden));
  test("native", () => expectSessionParity(golden, "cpu"));
  test("native, standard operators only", () => expectSessionParity(golden, "cpu", "portable"));
  // Loading WebAssembly takes seconds; the other image shapes run in the slow suite.
  if (!name.endsWith("48x80")) test("WebAssembly", () => expectSessionParity(golden, "wasm"));
});
