// SparseFormer at full size against the official code's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases, isToy, loadGolden } from "./golden-case.ts";
import { expectSessionParity } from "./sparseformer-parity.ts";

// The training case has a test of its own, and so has what becomes of image weights in the video model.
const CASES = [
  ...goldenCases("sparseformer", ["sparseformer_v1_original_training_64x64"]),
  ...goldenCases("video", ["inflation"]),
].filter((name) => !isToy(name));

describe.each(CASES)("%s", (name) => {
  test("native", () => expectSessionParity(loadGolden(name)!, "cpu"));
  test("native, standard operators only", () => expectSessionParity(loadGolden(name)!, "cpu", "portable"));
  test("WebAssembly", () => expectSessionParity(loadGolden(name)!, "wasm"));
});

// The fast suite has one of them.
const TOYS = goldenCases("sparseformer").filter((name) => isToy(name) && !name.endsWith("sparseformer_v1_mini_64x64"));

test.each(TOYS)("%s in WebAssembly", (name) => expectSessionParity(loadGolden(name)!, "wasm"));
