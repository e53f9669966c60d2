// GFV in the interpreter and in WebAssembly.
import { describe, test } from "vitest";
import { expectInterpreterParity, expectSessionParity } from "./gfv-parity.ts";
import { goldenCases } from "./golden-case.ts";

describe.each(goldenCases("adafocus_gfv"))("%s", (name) => {
  test("interpreter", () => expectInterpreterParity(name));
  test("WebAssembly, standard operators only", () => expectSessionParity(name, "wasm", "portable"));
});
