// CLIP's text tower at full size.
import { describe, test } from "vitest";
import { expectClipTextParity } from "./clip-text-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";

describe.each(goldenCases("clip-text").filter((name) => !isToy(name)))("%s", (name) => {
  test("native", () => expectClipTextParity(name, "cpu"));
});
