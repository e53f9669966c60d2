// ConvNeXt against the official code's numbers: at full size natively and in WebAssembly, toys in WebAssembly.
import { describe, test } from "vitest";
import { convnextCase } from "./convnext-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectSessionLayers } from "./layer-parity.ts";

describe.each(goldenCases("convnext"))("%s", (name) => {
  if (!isToy(name)) test("native", () => expectSessionLayers(convnextCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(convnextCase(name), "wasm"));
});
