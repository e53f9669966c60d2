// SpaRTAN-T against the official code's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectSessionLayers } from "./layer-parity.ts";
import { spartanCase } from "./spartan-parity.ts";

describe.each(goldenCases("spartan").filter((name) => !isToy(name)))("%s", (name) => {
  test("native", () => expectSessionLayers(spartanCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(spartanCase(name), "wasm"));
});
