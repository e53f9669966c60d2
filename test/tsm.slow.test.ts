// TSM in the interpreter, and everything in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectInterpreterParity, expectSessionParity } from "./tsm-parity.ts";

describe.each(goldenCases("tsm"))("%s", (name) => {
  test("interpreter", () => expectInterpreterParity(name));
  test("WebAssembly, standard operators only", () => expectSessionParity(name, "wasm", "portable"));
});
