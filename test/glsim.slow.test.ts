// GLSim against the official code's numbers, on each engine.
import { describe, test } from "vitest";
import { expectGlsimParity } from "./glsim-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";

describe.each(goldenCases("glsim"))("%s", (name) => {
  test.skipIf(isToy(name))("native", () => expectGlsimParity(name, "cpu"));
  test("WebAssembly, standard operators only", () => expectGlsimParity(name, "wasm", "portable"));
});
