// The released AdaptiveNN against the official code's numbers, full size, natively and in WebAssembly.
import { describe, test } from "vitest";
import { expectAdaptivennParity } from "./adaptivenn-parity.ts";
import { goldenCases, isToy, loadGolden } from "./golden-case.ts";

const CASES = goldenCases("adaptivenn", ["adaptivenn_ppo_update"]).filter((name) => !isToy(name));

test.skipIf(CASES.length > 0)("the released model's golden is not in this checkout", () => undefined);

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(name)!;
  test.each(["cpu", "wasm"] as const)("%s", (device) => expectAdaptivennParity(golden, device));
});
