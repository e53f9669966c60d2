// CrossViT against the official code's numbers: at full size natively and in WebAssembly, from pictures of 240 and of 224 pixels; toys in WebAssembly.
import { describe, test } from "vitest";
import { crossvitCase } from "./crossvit-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectSessionLayers } from "./layer-parity.ts";

describe.each(goldenCases("crossvit"))("%s", (name) => {
  if (!isToy(name)) test("native", () => expectSessionLayers(crossvitCase(name), "cpu"));
  test("WebAssembly", () => expectSessionLayers(crossvitCase(name), "wasm"));
});
