// The released GFNets against the official code's numbers, full size, natively and in WebAssembly.
import { describe, test } from "vitest";
import { expectGfnetParity } from "./gfnet-parity.ts";
import { loadGolden } from "./golden-case.ts";

const CASES = [
  "gfnet_resnet50_96",
  "gfnet_densenet121_96",
  "gfnet_mobilenetv3_large_100_96",
  "gfnet_efficientnet_b2_128",
  "gfnet_regnety_600m_96",
];

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(`gfnet/${name}`);
  if (golden === undefined) return test.skip("its golden is not in this checkout", () => undefined);
  test.each(["cpu", "wasm"] as const)("%s", (device) => expectGfnetParity(golden, device));
});
