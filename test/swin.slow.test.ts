// The Swin family against the official code's numbers: at full size natively and in WebAssembly, toys in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectSessionLayers } from "./layer-parity.ts";
import { swinCase } from "./swin-parity.ts";

describe.each(goldenCases("swin").filter((name) => !isToy(name)))("%s", (name) => {
  test("native", () => expectSessionLayers(swinCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(swinCase(name), "wasm"));
});

describe.each(goldenCases("swin").filter(isToy))("%s", (name) => {
  test("WebAssembly", () => expectSessionLayers(swinCase(name), "wasm"));
});
