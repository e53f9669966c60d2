// DynamicViT and IA-RED2 in the interpreter.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectDynamicvitParity, expectIaRed2Parity, expectMaskedIaRed2Parity } from "./learned-tokens-parity.ts";

test.each(goldenCases("dynamicvit"))("%s", (name) => expectDynamicvitParity(name, "interpreter"));

describe.each(goldenCases("iared"))("%s", (name) => {
  test("gathered", () => expectIaRed2Parity(name, "interpreter"));
  test("masked", () => expectMaskedIaRed2Parity(name, "interpreter"));
});
