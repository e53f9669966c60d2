// Light CNN against the official code's numbers, at full size, on each engine.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectLightcnnParity } from "./lightcnn-parity.ts";

describe.each(goldenCases("lightcnn"))("%s", (name) => {
  test("native", () => expectLightcnnParity(name, "cpu"));
  test("WebAssembly, standard operators only", () => expectLightcnnParity(name, "wasm", "portable"));
});
