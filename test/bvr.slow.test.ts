// Bridging visual representations against the official code's numbers, in the interpreter and in WebAssembly.
import { describe, test } from "vitest";
import { bvrCase, expectBvrInterpreted, expectBvrSession } from "./bvr-parity.ts";
import { goldenCases } from "./golden-case.ts";

describe.each(goldenCases("relationnet"))("%s", (name) => {
  test("interpreter", () => expectBvrInterpreted(bvrCase(name)));
  test("WebAssembly", () => expectBvrSession(bvrCase(name), "wasm"));
});
