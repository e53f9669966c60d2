// Scale-equalizing pyramid convolution against the official code's numbers, natively. In WebAssembly: in the slow suite.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectSepcSession, sepcCase } from "./sepc-parity.ts";

describe.each(goldenCases("sepc"))("%s", (name) => {
  test("native", () => expectSepcSession(sepcCase(name), "cpu"));
});
