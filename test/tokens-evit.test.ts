// EViT, with and without its fused token, against the official numbers.
import { describe, expect, test } from "vitest";
import { topK } from "../src/graph/build.ts";
import { importance } from "../src/nn/tokens/rows.ts";
import type { TensorData } from "../src/tensor.ts";
import { goldenCases, loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";
import { type Inside, interpreted, run, type TokenGraphOptions, tokenGraph } from "./token-parity.ts";

/** The case's configuration in the language. */
function reductionOf(name: string): string {
  const { keep_rate, fuse_token } = loadGolden(name)!.config as { keep_rate: number[]; fuse_token: boolean };
  const shrinking = keep_rate.flatMap((rate, block) => (rate < 1 ? [block] : []));
  return `keep=${keep_rate[shrinking[0]!]}@${shrinking.join(",")}:${fuse_token ? "evit" : "prune"}`;
}

function see({ index, before, attention, after }: Inside) {
  const score = importance(attention, before.special);
  counts[index] = Number(after.x.shape[1]) - after.special;
  return { [`cls_attn.${index}`]: score, [`order.${index}`]: topK(score, score.shape[1]!) };
}

/** Tokens behind the class token after each reduction. */
const counts: number[] = [];

function expectParity(name: string, outputs: ReadonlyMap<string, TensorData>, exact: boolean): void {
  const golden = loadGolden(name)!;
  for (const [output, expected] of golden.outputs) {
    if (output === "tokens_after_block") {
      const after = [...new Set(Array.from(expected.data as Int32Array))];
      expect(counts.slice(0, after.length - 1), output).toEqual(after.slice(1)); // those of the first block are all
    } else if (output.startsWith("kept.")) {
      const order = outputs.get(output.replace("kept", "order"))!;
      const [n, kept] = expected.shape as [number, number];
      const length = order.shape[1]!;
      const first = Array.from({ length: n * kept }, (_, i) =>
        Number(order.data[Math.floor(i / kept) * length + (i % kept)]!),
      );
      expect(first, output).toEqual(Array.from(expected.data as Int32Array));
    } else
      expect(maxDifference(outputs.get(output), expected), output).toBeLessThan(
        exact ? 2e-6 : toleranceOf(golden, output),
      );
  }
}

describe.each(goldenCases("evit"))("%s", (name) => {
  const options: TokenGraphOptions = { see };

  test("interpreter", () => expectParity(name, interpreted(tokenGraph(name, reductionOf(name), options)), true));

  test("through W", () =>
    expectParity(name, interpreted(tokenGraph(name, reductionOf(name), { ...options, explicit: true })), true));

  test("native", async () => expectParity(name, await run(tokenGraph(name, reductionOf(name), options), "cpu"), false));

  test("WebAssembly, standard operators only", async () =>
    expectParity(name, await run(tokenGraph(name, reductionOf(name), options), "wasm", "portable"), false));
});
