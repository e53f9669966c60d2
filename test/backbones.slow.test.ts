// Convolutional models and transformers at full size against timm's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { expectSessionParity } from "./backbone-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";

// A step of training has a test of its own.
const CASES = [...goldenCases("timm"), ...goldenCases("timm-extra", ["resnet_training"])].filter(
  (name) => !isToy(name),
);

describe.each(CASES)("%s", (name) => {
  test("native", () => expectSessionParity(name, "cpu"));
  test("native, standard operators only", () => expectSessionParity(name, "cpu", "portable"));
  test("WebAssembly", () => expectSessionParity(name, "wasm"));
});
