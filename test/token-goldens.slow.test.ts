// Golden cases of reduced transformers in the interpreter, which rounds less, and in WebAssembly.
import { describe, test } from "vitest";
import { goldenCases } from "./golden-case.ts";
import { EVIT_OPTIONS, evitReduction, expectEvit, expectTome, TOME_OPTIONS, tomeReduction } from "./token-goldens.ts";
import { interpreted, run, tokenGraph } from "./token-parity.ts";

describe.each(goldenCases("evit"))("%s", (name) => {
  const graph = () => tokenGraph(name, evitReduction(name), EVIT_OPTIONS);
  test("interpreter", () => expectEvit(name, interpreted(graph()), true));
  test("WebAssembly", async () => expectEvit(name, await run(graph(), "wasm"), false));
});

describe.each(goldenCases("tome"))("%s", (name) => {
  const graph = (proportional: boolean) => tokenGraph(name, tomeReduction(name, proportional), TOME_OPTIONS);
  test.each([true, false])("interpreter, proportional %s", (proportional) =>
    expectTome(name, interpreted(graph(proportional)), proportional, 2e-6),
  );
  test("WebAssembly", async () => expectTome(name, await run(graph(true), "wasm"), true));
});
