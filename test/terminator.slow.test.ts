// Terminator's answers, blocks, kernels and the loss between them against the goldens, natively and in WebAssembly; the larger case in the interpreter too.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectTerminator, expectTerminatorKernels, expectTerminatorSession } from "./terminator-parity.ts";

describe.each(goldenCases("terminator"))("%s", (name) => {
  test("in float64", () => expectTerminator(name));
  test.each(["cpu", "wasm"] as const)("%s: answers and blocks", (on) => expectTerminatorSession(name, on));
  test.each(["cpu", "wasm"] as const)("%s: kernels and their loss", (on) => expectTerminatorKernels(name, on));
});
