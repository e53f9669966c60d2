// The released GFNets against the official code's numbers, full size, natively and in WebAssembly.
import { describe, test } from "vitest";
import { expectGfnetParity } from "./gfnet-parity.ts";
import { goldenCases, loadGolden } from "./golden-case.ts";

// What is small enough is in this checkout; PPO and thresholds have tests of their own.
const CASES = goldenCases("gfnet", ["ppo_update", "thresholds"]);

test.skipIf(CASES.length > 0)("the released models' goldens are not in this checkout", () => undefined);

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(name)!;
  test.each(["cpu", "wasm"] as const)("%s", (device) => expectGfnetParity(golden, device));
});
