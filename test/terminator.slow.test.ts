// Terminator's kernels and the loss between them against the goldens, natively and in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectTerminatorKernels } from "./terminator-parity.ts";

describe.each(goldenCases("terminator"))("%s", (name) => {
  test.each(["cpu", "wasm"] as const)("%s", (on) => expectTerminatorKernels(name, on));
});
