// ToMe against the official numbers, with proportional attention and without: which tokens merge into which, what each stands for, and the answer.
import { describe, expect, test } from "vitest";
import { originOf } from "../src/nn/tokens/state.ts";
import type { TensorData } from "../src/tensor.ts";
import { goldenCases, loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";
import { interpreted, run, type TokenGraphOptions, tokenGraph } from "./token-parity.ts";

const OPTIONS: TokenGraphOptions = {
  seeEnd: (tokens) => ({ size: tokens.mass!, origin: originOf(tokens) }),
};

function reductionOf(name: string, proportional: boolean): string {
  return `merge=${loadGolden(name)!.config.r}:tome${proportional ? "" : "+noprop"}`;
}

/** Proportional attention under plain names, without it under "noprop.". */
function expectParity(
  name: string,
  outputs: ReadonlyMap<string, TensorData>,
  proportional: boolean,
  tolerance?: number,
) {
  const golden = loadGolden(name)!;
  const expected = (output: string) => golden.outputs.get(proportional ? output : `noprop.${output}`)!;
  expect(maxDifference(outputs.get("logits"), expected("logits"))).toBeLessThan(
    tolerance ?? toleranceOf(golden, "logits"),
  );
  expect(maxDifference(outputs.get("size"), expected("size"))).toBeLessThan(1e-5);
  const source = golden.outputs.get("source")!;
  if (proportional) {
    const origin = outputs.get("origin")!;
    expect(origin.shape).toEqual(source.shape);
    expect(Array.from(origin.data as Float32Array, (share) => Number(share > 0))).toEqual(
      Array.from(source.data as Uint8Array),
    );
  }
}

describe.each(goldenCases("tome"))("%s", (name) => {
  test.each([true, false])("interpreter, proportional %s", (proportional) =>
    expectParity(name, interpreted(tokenGraph(name, reductionOf(name, proportional), OPTIONS)), proportional, 2e-6),
  );

  test("through W", () =>
    expectParity(
      name,
      interpreted(tokenGraph(name, reductionOf(name, true), { ...OPTIONS, explicit: true })),
      true,
      2e-6,
    ));

  test("native", async () =>
    expectParity(name, await run(tokenGraph(name, reductionOf(name, true), OPTIONS), "cpu"), true));

  test("WebAssembly, standard operators only", async () =>
    expectParity(name, await run(tokenGraph(name, reductionOf(name, false), OPTIONS), "wasm", "portable"), false));

  test("without it, the model is the one all tokens stay in", () => {
    const golden = loadGolden(name)!;
    const dense = interpreted(tokenGraph(name, undefined)).get("logits");
    expect(maxDifference(dense, golden.outputs.get("dense.logits")!)).toBeLessThan(2e-6);
  });
});
