// SparseFormer against the official code's numbers: every toy-size case, in the interpreter, natively and in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases, isToy, loadGolden } from "./golden-case.ts";
import { expectInterpreterParity, expectSessionParity } from "./sparseformer-parity.ts";

const CASES = goldenCases("sparseformer").filter(isToy);

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(name)!;
  test("interpreter", () => expectInterpreterParity(golden));
  test("native", () => expectSessionParity(golden, "cpu"));
  test("native, standard operators only", () => expectSessionParity(golden, "cpu", "portable"));
  // Loading WebAssembly takes seconds; the other cases run there in the slow suite.
  if (name.endsWith("sparseformer_v1_mini_64x64")) test("WebAssembly", () => expectSessionParity(golden, "wasm"));
});
