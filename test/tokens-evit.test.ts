// EViT, with and without its fused token, against the official numbers.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { EVIT_OPTIONS, evitReduction, expectEvit } from "./token-goldens.ts";
import { interpreted, run, tokenGraph } from "./token-parity.ts";

const graph = (name: string, explicit = false) => tokenGraph(name, evitReduction(name), { ...EVIT_OPTIONS, explicit });
const CASES = goldenCases("evit");

describe.each(CASES)("%s", (name) => {
  test("native", async () => expectEvit(name, await run(graph(name), "cpu"), false));
  test("through W", async () => expectEvit(name, await run(graph(name, true), "cpu"), false));
});

// All cases are in the slow suite.
describe.each(CASES.slice(0, 1))("%s", (name) => {
  test("interpreter", () => expectEvit(name, interpreted(graph(name)), true));
  test("WebAssembly, standard operators only", async () =>
    expectEvit(name, await run(graph(name), "wasm", "portable"), false));
});
