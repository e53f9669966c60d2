// DuoFormer against the repaired official code's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { duoformerCase } from "./duoformer-parity.ts";
import { goldenCases } from "./golden-case.ts";
import { expectSessionLayers } from "./layer-parity.ts";

describe.each(goldenCases("duoformer"))("%s", (name) => {
  test("native", () => expectSessionLayers(duoformerCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(duoformerCase(name), "wasm"));
});
