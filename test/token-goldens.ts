// What golden cases of reduced transformers say in the language, and what is compared.
import { expect } from "vitest";
import { topK } from "../src/graph/build.ts";
import { importance } from "../src/nn/tokens/rows.ts";
import { originOf } from "../src/nn/tokens/state.ts";
import type { TensorData } from "../src/tensor.ts";
import { loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";
import type { Inside, TokenGraphOptions } from "./token-parity.ts";

/** The case's configuration in the language. */
export function evitReduction(name: string): string {
  const { keep_rate, fuse_token } = loadGolden(name)!.config as { keep_rate: number[]; fuse_token: boolean };
  const shrinking = keep_rate.flatMap((rate, block) => (rate < 1 ? [block] : []));
  return `keep=${keep_rate[shrinking[0]!]}@${shrinking.join(",")}:${fuse_token ? "evit" : "prune"}`;
}

function seeEvit({ index, before, attention }: Inside) {
  const score = importance(attention, before.special);
  return { [`cls_attn.${index}`]: score, [`order.${index}`]: topK(score, score.shape[1]!) };
}

export function expectEvit(name: string, outputs: ReadonlyMap<string, TensorData>, exact: boolean): void {
  const golden = loadGolden(name)!;
  for (const [output, expected] of golden.outputs) {
    if (output === "tokens_after_block") {
      const before = [...outputs].flatMap(([name, { shape }]) => (name.startsWith("cls_attn.") ? [shape[1]!] : []));
      const atTheEnd = outputs.get("tokens")!.shape[1]! - 1;
      expect([...before, atTheEnd], output).toEqual([...new Set(Array.from(expected.data as Int32Array))]);
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

export const EVIT_OPTIONS: TokenGraphOptions = { see: seeEvit, seeEnd: ({ x }) => ({ tokens: x }) };

export const TOME_OPTIONS: TokenGraphOptions = {
  see: ({ index, before, after }) => ({
    [`w.${index}`]: originOf({ x: before.x, history: after.history.slice(-1) }), // (N, M, T): W of this block
  }),
  seeEnd: (tokens) => ({ size: tokens.mass!, origin: originOf(tokens) }),
};

export function tomeReduction(name: string, proportional: boolean): string {
  return `merge=${loadGolden(name)!.config.r}:tome${proportional ? "" : "+noprop"}`;
}

/** Proportional attention under plain names, without it under "noprop.". */
export function expectTome(
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
  for (let index = 0; outputs.has(`w.${index}`); index++) {
    const [src, dst] = ["src", "dst"].map((side) => expected(`merge.${index}.${side}`));
    expectMerged(outputs.get(`w.${index}`)!, src!, dst!);
  }
  const source = golden.outputs.get("source")!;
  if (proportional) {
    const origin = outputs.get("origin")!;
    expect(origin.shape).toEqual(source.shape);
    expect(Array.from(origin.data as Float32Array, (share) => Number(share > 0))).toEqual(
      Array.from(source.data as Uint8Array),
    );
  }
}

/** W (N, M, T) takes the even tokens `src` and the odd tokens `dst` (N, r) that they go to into the same rows, and has r rows less than there were tokens. */
function expectMerged({ shape, data }: TensorData, src: TensorData, dst: TensorData): void {
  const [, m, t] = shape as [number, number, number];
  const r = src.shape[1]!;
  expect(m).toBe(t - r);
  for (let i = 0; i < src.data.length; i++) {
    const [even, odd] = [2 * Number(src.data[i]), 2 * Number(dst.data[i]) + 1];
    const row = (j: number) => (Math.floor(i / r) * m + j) * t;
    const together = Array.from({ length: m }, (_, j) => data[row(j) + even]! > 0 && data[row(j) + odd]! > 0);
    expect(together).toContain(true);
  }
}
