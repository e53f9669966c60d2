// Bridging visual representations against the official code's numbers.
import { describe, test } from "vitest";
import { bvrCase, expectBvrSession } from "./bvr-parity.ts";
import { goldenCases } from "./golden-case.ts";

describe.each(goldenCases("relationnet"))("%s", (name) => {
  test("native", () => expectBvrSession(bvrCase(name), "cpu"));
});
