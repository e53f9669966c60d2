// Mask2Former's head at the widths of Swin-T, and every case in the interpreter.
import { describe, test } from "vitest";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectMask2formerParity } from "./mask2former-parity.ts";

const cases = goldenCases("mask2former", ["ms_deform_attn", "mask2former_inference"]);

describe.each(cases)("%s", (name) => {
  test("interpreted", () => expectMask2formerParity(name, "interpreter"));
  if (!isToy(name)) test.each(["cpu", "wasm"] as const)("on %s", (engine) => expectMask2formerParity(name, engine));
});
