// Expedit inside a ViT: clusters go on behind the class token, W says what each is made of, and the layer "tokens" has all patches again.
import { describe, expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { printGraph } from "../src/graph/print.ts";
import { Scope, trace } from "../src/graph/scope.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { tokenModel, type VitConfig } from "../src/models/vit/config.ts";
import { vitTokens } from "../src/models/vit/model.ts";
import { Mode } from "../src/nn/mode.ts";
import type { Reduction } from "../src/nn/tokens/reduction.ts";
import { originOf } from "../src/nn/tokens/state.ts";
import { planReduction } from "../src/nn/tokens/systems.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues, maxDifference } from "./golden-case.ts";

const SMALL = { embed_dim: 16, num_heads: 2, depth: 4, num_classes: 3, patch_size: 8, img_size: [40, 48] };
const CLUSTER = "cluster=3x4@2:expedit+tau=0.5+k=5";

const vit = (tokens?: string, config: Record<string, unknown> = SMALL) =>
  defineModel("vit", tokens === undefined ? config : { ...config, tokens });
const image = tensor("float32", [2, 3, 40, 48], hashedValues("picture", elementCount([2, 3, 40, 48]), 1.5, 0, 0));

function outputsOf(tokens: string | undefined, layers: string[]): ReadonlyMap<string, TensorData> {
  const graph = inferenceGraph(vit(tokens), {}, { layers });
  return interpret(graph, { inputs: { image }, parameters: initialWeights(graph, 4) });
}

test("fewer tokens go on; all patches are there again in the layers", () => {
  const outputs = outputsOf(CLUSTER, ["block.2", "block.3", "tokens", "origin.2"]);
  expect(outputs.get("logits")!.shape).toEqual([2, 3]);
  expect(outputs.get("tokens")!.shape).toEqual([2, 30, 16]);
  expect(outputs.get("origin.2")!.shape).toEqual([2, 12, 30]);
  const origin = toFloat64(outputs.get("origin.2")!);
  for (let row = 0; row < 24; row++)
    expect(origin.subarray(30 * row, 30 * row + 30).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  const dense = outputsOf(undefined, ["block.2", "tokens"]);
  expect(maxDifference(outputs.get("block.2"), dense.get("block.2")!)).toBe(0);
  const difference = maxDifference(outputs.get("logits"), dense.get("logits")!);
  expect(difference).toBeGreaterThan(0);
  expect(difference).toBeLessThan(0.1);
});

test("the class token is not touched, and the clusters are W x", () => {
  const config = vit(CLUSTER).config as VitConfig;
  const graph = trace((scope) => {
    const plan = planReduction(CLUSTER, tokenModel(config));
    const picture = scope.graph.input("image", [2, 3, 40, 48]);
    const seen: Parameters<typeof originOf>[0][] = [];
    const watched = (explicit: boolean): Reduction => ({
      steps: new Map([
        [
          2,
          {
            before(tokens, root) {
              const after = plan.steps.get(2)!.before!({ ...tokens, explicit }, root);
              seen.push(tokens, after);
              return after;
            },
          },
        ],
      ]),
    });
    const ends = [false, true].map((explicit) => {
      return vitTokens(new Scope(scope.graph), picture, config, Mode.inference(), watched(explicit)).x;
    });
    return { before: seen[0]!.x, after: seen[1]!.x, w: originOf(seen[1]!), rows: ends[0]!, product: ends[1]! };
  });
  const outputs = interpret(graph, { inputs: { image }, parameters: initialWeights(graph, 4) });
  const first = (name: string) => toFloat64(outputs.get(name)!).subarray(0, 16);
  expect([...first("after")]).toEqual([...first("before")]);
  expect(outputs.get("after")!.shape).toEqual([2, 13, 16]);
  const w = toFloat64(outputs.get("w")!); // (2, 13, 31)
  expect([...w.subarray(0, 31)]).toEqual([1, ...new Array<number>(30).fill(0)]);
  expect(maxDifference(outputs.get("product"), outputs.get("rows")!)).toBeLessThan(1e-6);
});

test("as many clusters as patches are the dense model", () => {
  expect(printGraph(inferenceGraph(vit("cluster=5x6@2:expedit")))).toBe(printGraph(inferenceGraph(vit())));
});

describe("refused before anything is built", () => {
  test.each([
    ["cluster=6x6@2:expedit", "there are only 5x6 tokens to cluster"],
    ["cluster=0x6@2:expedit", "there are no 0x6 clusters"],
    ["cluster=2.5x3@2:expedit", "there are no 2.5x3 clusters"],
    ["cluster=0.5@2:expedit", "it needs rows and columns of clusters"],
    ["cluster=3x3:expedit", "it does not say at which blocks"],
    ["cluster=3x3@4:expedit", "there is no block 4"],
    ["cluster=3x3@1,2:expedit", "tokens are clustered once"],
    ["cluster=3x3@2:expedit+window=4", "must be odd"],
    ["cluster=3x3@2:expedit+iterations=1000000", "a number from 1 to 99"],
    ["cluster=3x3@2:expedit+k=0", "option k must be"],
    ["cluster=3x3@2:expedit+norm=l3", "option norm must be l1"],
    ["cluster=3x3@2:expedit+hard=2", "option hard takes no value"],
    ["cluster=3x3@2:expedit+temperature=2", "expedit has no option temperature"],
  ])("%s", (tokens, message) => {
    expect(() => vit(tokens)).toThrow(message);
  });
});
