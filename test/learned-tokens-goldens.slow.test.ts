// DynamicViT and IA-RED2 against what the official code computes, and gathered against masked tokens. The interpreter is in the slow suite.
import { describe, expect, test } from "vitest";
import { goldenCases, maxDifference } from "./golden-case.ts";
import {
  dynamicvitCase,
  expectDynamicvitParity,
  expectIaRed2Cost,
  expectIaRed2Parity,
  expectMaskedIaRed2Parity,
  gatheredGraph,
  iaRed2Case,
  maskedDynamicvitGraph,
  maskedIaRed2Graph,
  run,
} from "./learned-tokens-parity.ts";

describe.each(goldenCases("dynamicvit"))("%s", (name) => {
  test("native", () => expectDynamicvitParity(name, "cpu"));
  test("WebAssembly", () => expectDynamicvitParity(name, "wasm"));
  test("gathered and masked tokens answer the same", async () => {
    const of = dynamicvitCase(name);
    const gathered = await run(gatheredGraph(of), of, "cpu");
    const masked = await run(maskedDynamicvitGraph(of), of, "cpu");
    expect(maxDifference(gathered("logits"), masked("logits"))).toBeLessThan(1e-4);
  });
});

describe.each(goldenCases("iared"))("%s", (name) => {
  test("native", () => expectIaRed2Parity(name, "cpu"));
  test("WebAssembly", () => expectIaRed2Parity(name, "wasm"));
  test("what it costs", () => expectIaRed2Cost(name, "cpu"));
  test("masked, as the official code does it", () => expectMaskedIaRed2Parity(name, "cpu"));
  test("gathered and masked tokens answer the same", async () => {
    const of = iaRed2Case(name);
    const gathered = await run(gatheredGraph(of), of, "cpu");
    const masked = await run(maskedIaRed2Graph(of), of, "cpu");
    expect(maxDifference(gathered("logits"), masked("logits"))).toBeLessThan(1e-4);
  });
});
