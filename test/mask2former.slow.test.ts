// Mask2Former's head at the widths of Swin-T, and the toy on all engines.
import { describe, test } from "vitest";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectMask2formerParity } from "./mask2former-parity.ts";

const cases = goldenCases("mask2former", ["ms_deform_attn", "mask2former_inference"]);

describe.each(cases)("%s", (name) => {
  test("on wasm", () => expectMask2formerParity(name, "wasm"));
  // A minute of the interpreter, or a second; of the toy the engine's numbers are in the fast suite.
  if (isToy(name)) test("interpreted", () => expectMask2formerParity(name, "interpreter"));
  else test("on cpu", () => expectMask2formerParity(name, "cpu"));
});
