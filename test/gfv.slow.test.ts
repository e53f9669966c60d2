// GFV in WebAssembly, and the small case in the interpreter, which would take many minutes for the official size.
import { describe, test } from "vitest";
import { expectInterpreterParity, expectSessionParity } from "./gfv-parity.ts";
import { goldenCases } from "./golden-case.ts";

describe.each(goldenCases("adafocus_gfv"))("%s", (name) => {
  test.skipIf(name.includes("official"))("interpreter", () => expectInterpreterParity(name));
  test("WebAssembly, standard operators only", () => expectSessionParity(name, "wasm", "portable"));
});
