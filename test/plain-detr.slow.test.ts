// Plain DETR against the official code: pictures with padding, logarithms of distances; boxes in pixels, distances as they are.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { expectInterpreter, expectSession } from "./plain-detr-parity.ts";

describe.each(goldenCases("plain-detr"))("%s", (name) => {
  test("in the interpreter", () => expectInterpreter(name));
  test.each(["cpu", "wasm"] as const)("on %s", (device) => expectSession(name, device));
});
