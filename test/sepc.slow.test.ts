// Scale-equalizing pyramid convolution against the official code's numbers, in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectSepcSession, sepcCase } from "./sepc-parity.ts";

describe.each(goldenCases("sepc"))("%s", (name) => {
  test("WebAssembly", () => expectSepcSession(sepcCase(name), "wasm"));
});
