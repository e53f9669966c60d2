// ToMe against the official numbers, with proportional attention and without: which tokens merge into which, what each stands for, and the answer.
import { describe, expect, test } from "vitest";
import { goldenCases, loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";
import { expectTome, TOME_OPTIONS, tomeReduction } from "./token-goldens.ts";
import { interpreted, run, tokenGraph } from "./token-parity.ts";

const graph = (name: string, proportional: boolean, explicit = false) =>
  tokenGraph(name, tomeReduction(name, proportional), { ...TOME_OPTIONS, explicit });
const CASES = goldenCases("tome");

describe.each(CASES)("%s", (name) => {
  test("native", async () => expectTome(name, await run(graph(name, true), "cpu"), true));
  test("native, not proportional", async () => expectTome(name, await run(graph(name, false), "cpu"), false));
  test("through W", async () => expectTome(name, await run(graph(name, true, true), "cpu"), true));
});

// All cases are in the slow suite.
describe.each(CASES.slice(0, 1))("%s", (name) => {
  test("interpreter", () => expectTome(name, interpreted(graph(name, true)), true, 2e-6));
  test("WebAssembly, standard operators only", async () =>
    expectTome(name, await run(graph(name, false), "wasm", "portable"), false));

  test("without it, the model is the one all tokens stay in", async () => {
    const golden = loadGolden(name)!;
    const dense = (await run(tokenGraph(name, undefined), "cpu")).get("logits");
    expect(maxDifference(dense, golden.outputs.get("dense.logits")!)).toBeLessThan(toleranceOf(golden, "logits"));
  });
});
