// SparK's goldens on the slower engines, and the loss that the running statistics give after one step.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectEvaluatedLoss, expectInterpretedSpark, expectSparkParity } from "./spark-parity.ts";

describe.each(goldenCases("spark"))("%s", (name) => {
  test("in float64", () => expectInterpretedSpark(name));
  test("WebAssembly, standard operators only", () => expectSparkParity(name, "wasm", "portable"));
  test("with running statistics after the step", () => expectEvaluatedLoss(name));
});
