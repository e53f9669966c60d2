// DHVT at full size against the official code's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { dhvtCase } from "./dhvt-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectSessionLayers } from "./layer-parity.ts";

describe.each(goldenCases("dhvt").filter((name) => !isToy(name)))("%s", (name) => {
  test("native", () => expectSessionLayers(dhvtCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(dhvtCase(name), "wasm"));
});
