// RotNet's networks against the official code's numbers natively and in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectRotnetParity } from "./rotnet-parity.ts";

describe.each(goldenCases("rotnet"))("%s", (name) => {
  test("native", () => expectRotnetParity(name, "cpu"));
  test("WebAssembly", () => expectRotnetParity(name, "wasm"));
});
