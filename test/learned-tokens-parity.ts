// Parity of ViTs whose tokens are chosen by what learnt it, DynamicViT and IA-RED2, with what the official code computes.
import { expect } from "vitest";
import { add, mul, reduceSum, reshape, slice, sub, topK } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import type { Graph, Tensor } from "../src/graph/tensor.ts";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { tokenModel, type VitConfig, vitSchema } from "../src/models/vit/config.ts";
import { answer, vitTokens } from "../src/models/vit/model.ts";
import { Mode } from "../src/nn/mode.ts";
import { dynamicvitPlan, maskedDynamicvit } from "../src/nn/tokens/dynamicvit.ts";
import { greedyPolicy, iaRed2Blocks, maskedIaRed2 } from "../src/nn/tokens/ia-red2.ts";
import { parseReduction } from "../src/nn/tokens/language.ts";
import type { Reduction } from "../src/nn/tokens/reduction.ts";
import { oneHot } from "../src/nn/tokens/state.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, toFloat64 } from "../src/tensor.ts";
import { loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";

export type Engine = "interpreter" | "cpu" | "wasm";
export type LearnedCase = ReturnType<typeof learnedCase>;

/** The case as a model that reduces its tokens by `tokens`, and its weights with nothing missing and nothing left over. */
function learnedCase(name: string, tokens: (official: Readonly<Record<string, unknown>>) => string) {
  const golden = loadGolden(name)!;
  const fields = Object.keys(vitSchema.shape);
  const known = Object.fromEntries(Object.entries(golden.config).filter(([field]) => fields.includes(field)));
  const definition = defineModel("vit", { ...known, tokens: tokens(golden.config) });
  const config = definition.config as VitConfig;
  const adopted = definition.architecture.adoptWeights(golden.weights, config);
  const weights = fitWeights(inferenceGraph(definition), adopted, name);
  const blocks = parseReduction(config.tokens!).blocks!;
  return { golden, definition, config, weights, blocks };
}

export const dynamicvitCase = (name: string): LearnedCase =>
  learnedCase(name, ({ pruning_loc, token_ratio }) => `keep=${(token_ratio as number[])[0]}@${pruning_loc}:dynamicvit`);

export const iaRed2Case = (name: string): LearnedCase =>
  learnedCase(name, ({ group_size }) => `policy@${firstBlocks(group_size as number[])}:ia-red2`);

/** [2, 2, 2] -> [0, 2, 4] */
const firstBlocks = (sizes: readonly number[]) =>
  sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));

/** As the model is used: rows are gathered. With what says which tokens stayed. */
export const gatheredGraph = ({ definition, blocks }: LearnedCase): Graph =>
  inferenceGraph(definition, {}, { layers: blocks.flatMap((block) => [`origin.${block}`, `score.${block}`]) });

/** With what says how many are left after each group. */
const countingGraph = ({ definition, blocks }: LearnedCase): Graph =>
  inferenceGraph(definition, {}, { layers: blocks.map((_, group) => `left.${group}`) });

/** With other ways to go through the blocks. */
function graphWith({ golden, config }: LearnedCase, reduction: Reduction, more: Record<string, Tensor> = {}): Graph {
  return trace((scope) => {
    const image = scope.graph.input("image", golden.image.shape);
    const tokens = vitTokens(scope, image, config, Mode.inference(), reduction);
    return { ...answer(scope, tokens, config, Mode.inference()), ...more };
  });
}

/** The likeliest patches of those that are left, masked instead of gathered. */
export function maskedDynamicvitGraph(of: LearnedCase): Graph {
  const plan = dynamicvitPlan(parseReduction(of.config.tokens!), tokenModel(of.config));
  const decide = (logProbabilities: Tensor, number: number, before: Tensor | undefined) => {
    const [n, patches] = logProbabilities.shape as [number, number];
    const score = reshape(slice(logProbabilities, 2, 0, 1), [n, patches]);
    const ofThoseLeft = before === undefined ? score : add(score, mul(sub(before, 1), 1e9));
    return reduceSum(oneHot(topK(ofThoseLeft, plan.counts[number]!), patches), 1);
  };
  return graphWith(of, maskedDynamicvit(plan, decide));
}

/** The first `groups` interpreters, masked; with `score.N` and `policy.N`, class token included. */
export function maskedIaRed2Graph(of: LearnedCase, groups = of.blocks.length): Graph {
  const blocks = iaRed2Blocks(parseReduction(of.config.tokens!), tokenModel(of.config)).slice(0, groups);
  const more: Record<string, Tensor> = {};
  const reduction = maskedIaRed2(blocks, of.config.num_heads, (scores, { special }, group) => {
    const policy = greedyPolicy(scores, special);
    Object.assign(more, { [`score.${group}`]: scores, [`policy.${group}`]: policy });
    return policy;
  });
  return graphWith(of, reduction, more);
}

export async function run(graph: Graph, { golden, weights }: LearnedCase, engine: Engine) {
  const inputs = { image: golden.image };
  if (engine === "interpreter") {
    const outputs = interpret(graph, { inputs, parameters: weights });
    return (name: string): TensorData => outputs.get(name)!;
  }
  const bytes = lower(graph, { parameters: weights, target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device: engine });
  const outputs = await session.run(inputs, { outputs: [...graph.outputs.keys()] });
  return (name: string): TensorData => outputs[name]!;
}

/** The first patches that each row of an origin is, in the rows' order; rows of padding are left out. */
function patchesOf(origin: TensorData, picture: number): number[] {
  const [, rows, patches] = origin.shape as [number, number, number];
  const data = toFloat64(origin);
  return Array.from({ length: rows }, (_, row) => {
    const start = (picture * rows + row) * patches;
    return data.subarray(start, start + patches).indexOf(1);
  }).filter((patch) => patch >= 0);
}

const rowOf = (x: TensorData, picture: number): Float64Array => {
  const width = x.shape.slice(1).reduce((a, b) => a * b, 1);
  return toFloat64(x).subarray(picture * width, (picture + 1) * width);
};

const byNumber = (a: number, b: number) => a - b;

/** Logits, each predictor's answer for the tokens that it sees, and which of them are kept. */
export async function expectDynamicvitParity(name: string, engine: Engine): Promise<void> {
  const of = dynamicvitCase(name);
  const { golden, blocks } = of;
  const output = await run(gatheredGraph(of), of, engine);
  expect(maxDifference(output("logits"), golden.outputs.get("logits")!)).toBeLessThan(toleranceOf(golden, "logits"));
  for (let picture = 0; picture < golden.image.shape[0]!; picture++) {
    let seen = Array.from({ length: golden.outputs.get("log_keep_probability.0")!.shape[1]! }, (_, patch) => patch);
    for (const [number, block] of blocks.entries()) {
      const expected = rowOf(golden.outputs.get(`log_keep_probability.${number}`)!, picture);
      const scores = rowOf(output(`score.${block}`), picture);
      for (const [i, patch] of seen.entries()) expect(Math.log(scores[patch]!)).toBeCloseTo(expected[i]!, 3);
      const left = patchesOf(output(`origin.${block}`), picture);
      const kept = left.map((patch) => seen.indexOf(patch)).sort(byNumber);
      expect(kept).toEqual([...rowOf(golden.outputs.get(`kept.${number}`)!, picture)]);
      seen = left;
    }
  }
}

/** Logits, features, scores and which tokens stay, gathered. */
export async function expectIaRed2Parity(name: string, engine: Engine): Promise<void> {
  const of = iaRed2Case(name);
  const { golden, blocks } = of;
  const output = await run(gatheredGraph(of), of, engine);
  for (const result of ["logits", "features"])
    expect(maxDifference(output(result), golden.outputs.get(result)!)).toBeLessThan(toleranceOf(golden, result));
  for (let picture = 0; picture < golden.image.shape[0]!; picture++)
    for (const [group, block] of blocks.entries()) {
      const policy = rowOf(golden.outputs.get(`policy.${group}`)!, picture).subarray(1);
      const kept = [...policy.keys()].filter((patch) => policy[patch] === 1);
      expect(patchesOf(output(`origin.${block}`), picture)).toEqual(kept);
      const scores = rowOf(golden.outputs.get(`score.${group}`)!, picture).subarray(1);
      for (const [patch, score] of rowOf(output(`score.${block}`), picture).entries())
        expect(score).toBeCloseTo(scores[patch]!, 4);
    }
}

/** The official estimate of what a picture costs, from the shares of tokens that are left. */
export async function expectIaRed2Cost(name: string, engine: Engine): Promise<void> {
  const of = iaRed2Case(name);
  const { golden, blocks } = of;
  const output = await run(countingGraph(of), of, engine);
  const sizes = golden.config.group_size as readonly number[];
  for (const [picture, flops] of toFloat64(golden.outputs.get("flops")!).entries()) {
    const left = blocks.map((_, group) => toFloat64(output(`left.${group}`))[picture]!);
    const saved = left.map((share, group) => ((1 - share) * sizes[group]!) / of.config.depth);
    expect(1 - saved.reduce((a, b) => a + b, 0)).toBeCloseTo(flops, 5);
  }
}

/** The official forward itself, which masks: everything it gives, and the shorter curriculums. */
export async function expectMaskedIaRed2Parity(name: string, engine: Engine): Promise<void> {
  const of = iaRed2Case(name);
  const { golden, blocks } = of;
  const output = await run(maskedIaRed2Graph(of), of, engine);
  const groups = blocks.map((_, group) => group);
  const compared = ["logits", "features", ...groups.map((group) => `score.${group}`)];
  for (const result of compared)
    expect(maxDifference(output(result), golden.outputs.get(result)!), result).toBeLessThan(
      toleranceOf(golden, result),
    );
  for (const group of groups)
    expect([...toFloat64(output(`policy.${group}`))]).toEqual([...toFloat64(golden.outputs.get(`policy.${group}`)!)]);
  for (const group of groups.slice(0, -1)) {
    const shorter = await run(maskedIaRed2Graph(of, group + 1), of, engine);
    const expected = golden.outputs.get(`cl_step${group}.logits`)!;
    expect(maxDifference(shorter("logits"), expected)).toBeLessThan(toleranceOf(golden, "logits"));
  }
}
