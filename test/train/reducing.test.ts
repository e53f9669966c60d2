// Models that learn which tokens to keep: what their objectives come to, what learns and what stays, and runs that are resumed.
import { describe, expect, test } from "vitest";
import { values } from "../../src/graph/build.ts";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Scope, trace } from "../../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../../src/graph/tensor.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import type { VitConfig } from "../../src/models/vit/config.ts";
import { answer, vitTokens } from "../../src/models/vit/model.ts";
import { Mode } from "../../src/nn/mode.ts";
import { parseReduction } from "../../src/nn/tokens/language.ts";
import { RandomSource } from "../../src/random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../src/tensor.ts";
import { softCrossEntropy } from "../../src/train/losses.ts";
import type { DrawnInput, Objective, ObjectiveOutputs } from "../../src/train/objective.ts";
import { isFrozen } from "../../src/train/parameter-groups.ts";
import { keepRate, maskedEvit } from "../../src/train/tokens/evit.ts";
import { onlyTrained, reducingObjective, requireTrained } from "../../src/train/tokens/objective.ts";
import { onlyLabels } from "./labelled-inputs.ts";

const BATCH = 2;
const CLASSES = 3;
const TINY = { img_size: 16, patch_size: 4, embed_dim: 16, depth: 3, num_heads: 2, num_classes: CLASSES };

const modelWith = (tokens?: string) => defineModel("vit", { ...TINY, ...(tokens === undefined ? {} : { tokens }) });

const random = new RandomSource(1);
const numbers = (shape: readonly number[], next: () => number) =>
  tensor("float32", shape, Float32Array.from({ length: elementCount(shape) }, next));
const image = numbers([BATCH, 3, 16, 16], () => random.normal());
const targets = tensor("float32", [BATCH, CLASSES], Float32Array.of(0, 1, 0, 0, 0, 1));

/** Larger than weights begin, so that pictures and tokens differ. */
function weightsOf(tokens: string): Map<string, TensorData> {
  const source = new RandomSource(5);
  return new Map(
    [...initialWeights(inferenceGraph(modelWith(tokens)), 3)].map(([name, value]) => [
      name,
      name.endsWith("weight") && value.shape.length > 1 ? numbers(value.shape, () => 0.3 * source.normal()) : value,
    ]),
  );
}

/** An objective's loss and the gradients of all its parameters, with what it draws. */
function evaluate(objective: Objective, tokens: string, feeds: Record<string, TensorData> = {}) {
  const graph = new Graph();
  const draws: DrawnInput[] = [];
  const outputs: ObjectiveOutputs = objective({
    scope: new Scope(graph),
    model: modelWith(tokens),
    image: graph.input("image", image.shape),
    targets: graph.input("targets", targets.shape),
    mode: Mode.training(),
    progress: () => graph.input("progress", []),
    ...onlyLabels,
    draw(input) {
      draws.push(input);
      return graph.input(input.name, input.shape);
    },
  });
  const names = [...graph.parameters.keys()];
  const gradients = differentiate(
    outputs.loss,
    names.map((name) => widen(graph.parameters.get(name)!.tensor)),
  );
  graph.output("loss", outputs.loss);
  graph.output("logits", outputs.logits!);
  for (const [i, gradient] of gradients.entries()) graph.output(`gradient.${names[i]}`, gradient);
  const known = weightsOf(tokens);
  const parameters = new Map(names.map((name) => [name, known.get(outputs.copies?.get(name) ?? name)!]));
  const drawn = new RandomSource(9);
  const numbersDrawn = Object.fromEntries(
    draws.map(({ name, shape }) => [name, numbers(shape, () => drawn.uniform())]),
  );
  const all: Record<string, TensorData> = { image, targets, ...numbersDrawn, ...feeds };
  const inputs = Object.fromEntries([...graph.inputs.keys()].map((name) => [name, all[name]!]));
  const values = interpret(graph, { inputs, parameters, precision: "float64" });
  const number = (name: string) => toFloat64(values.get(name)!);
  const isMoved = (name: string) => number(`gradient.${name}`).some((x) => x !== 0);
  return { loss: number("loss")[0]!, logits: [...number("logits")], names, isMoved, copies: outputs.copies };
}

const objectiveFor = (tokens: string, reducing = {}) => reducingObjective(modelWith(tokens), reducing)!;

describe("DynamicViT", () => {
  const TOKENS = "keep=0.5@1,2:dynamicvit";
  /** Draws that keep every patch, whatever its predictor says. */
  const keepAll = Object.fromEntries([0, 1].map((i) => [`stays.${i}`, numbers([BATCH, 16], () => 1)]));

  test("with all tokens kept, it is the labels' loss, the shares' and no distance from the dense model", () => {
    const { loss, logits } = evaluate(objectiveFor(TOKENS, { share_weight: 3 }), TOKENS, keepAll);
    const shares = ((1 - 0.5) ** 2 + (1 - 0.25) ** 2) / 2;
    expect(loss).toBeCloseTo(crossEntropy(logits) + 3 * shares, 4);
  });

  test("predictors and blocks learn, the dense model that it begins with does not change", () => {
    const { isMoved, names, copies } = evaluate(objectiveFor(TOKENS), TOKENS);
    for (const name of ["score_predictor.0.in_conv.1.weight", "score_predictor.1.out_conv.4.weight"])
      expect(isMoved(name), name).toBe(true);
    for (const block of [0, 1, 2]) expect(isMoved(`blocks.${block}.mlp.fc1.weight`)).toBe(true);
    const teacher = names.filter((name) => name.startsWith("teacher."));
    expect(teacher.map((name) => copies!.get(name))).toEqual(teacher.map((name) => name.slice("teacher.".length)));
    expect(teacher.filter((name) => name.includes("score_predictor"))).toEqual([]);
  });
});

describe("IA-RED2", () => {
  const TOKENS = "policy@0,2:ia-red2";

  test("only the interpreter of its group learns", () => {
    const objective = objectiveFor(TOKENS, { group: 2 });
    // As the model answers it: a wrong answer costs the same with any tokens.
    const { logits } = evaluate(objective, TOKENS);
    const right = Float32Array.from(logits, (logit, i) => {
      const row = Math.floor(i / CLASSES) * CLASSES;
      return Number(logit === Math.max(...logits.slice(row, row + CLASSES)));
    });
    const { isMoved, names } = evaluate(objective, TOKENS, { targets: tensor("float32", [BATCH, CLASSES], right) });
    const own = ["groups.1.agent.qk.weight", "groups.1.agent.qk.bias"];
    expect(own.map(isMoved)).toEqual([true, true]);
    expect(names.filter((name) => !isFrozen({ only: onlyTrained({ group: 2 })! })(name))).toEqual(own);
    expect(evaluate(objectiveFor(TOKENS, { group: 1 }), TOKENS).names).not.toContain("groups.1.agent.qk.weight");
  });

  test("where chance chooses as the greedy policy does, nothing is learnt", () => {
    const half = { stays: numbers([BATCH, 17], () => 0.5) };
    const { loss, isMoved, names } = evaluate(objectiveFor(TOKENS, { group: 1 }), TOKENS, half);
    expect(loss).toBeCloseTo(0, 10);
    expect(names.filter(isMoved)).toEqual([]);
  });

  test("of tokens that are not explored, nothing is learnt", () => {
    const objective = objectiveFor(TOKENS, { group: 1, explored: 0.5 });
    const none = evaluate(objective, TOKENS, { explored: numbers([BATCH, 17], () => 0.9) });
    expect(none.loss).toBeCloseTo(0, 10);
    expect(none.names.filter(none.isMoved)).toEqual([]);
  });

  test("the model learns with what interpreters leave, and these stay as they are", () => {
    const { isMoved, loss, logits } = evaluate(objectiveFor(TOKENS), TOKENS);
    expect(loss).toBeCloseTo(crossEntropy(logits), 6);
    expect(isMoved("blocks.1.attn.qkv.weight")).toBe(true);
    expect(isMoved("groups.0.agent.qk.weight")).toBe(false);
  });
});

describe("EViT", () => {
  const TOKENS = "keep=0.6@0,1:evit";

  test("the keep rate falls as half a cosine", () => {
    const rates = [0, 0.25, 0.5, 0.75, 1].map((progress) => {
      const graph = new Graph();
      graph.output("rate", keepRate(graph.input("progress", []), { from: 0.25, until: 0.75, keep: 0.6 }));
      const inputs = { progress: tensor("float32", [], Float32Array.of(progress)) };
      return toFloat64(interpret(graph, { inputs, parameters: new Map() }).get("rate")!)[0]!;
    });
    for (const [i, rate] of [1, 1, 0.8, 0.6, 0.6].entries()) expect(rates[i]).toBeCloseTo(rate, 6);
  });

  test.each([0.6, 0.8, 1])("masked at a keep rate of %d it is what gathers rows", (rate) => {
    const { config } = modelWith(TOKENS);
    const weights = weightsOf(TOKENS);
    const run = (build: (scope: Scope, picture: Tensor) => Record<string, Tensor>) =>
      interpret(
        trace((scope) => build(scope, scope.graph.input("image", image.shape))),
        { inputs: { image }, parameters: weights, precision: "float64" },
      );
    const gathered = run((scope, picture) => {
      const same = modelWith(`keep=${rate}@0,1:evit`);
      return { ...same.architecture.build(scope, picture, same.config, Mode.inference()) };
    });
    const masked = run((scope, picture) => {
      const { blocks } = parseReduction(TOKENS);
      const scalar = values(scope.graph, [], [rate]);
      const reduction = maskedEvit(blocks!, { grid: { height: 4, width: 4 } }, scalar);
      const tokens = vitTokens(scope, picture, config as VitConfig, Mode.inference(), reduction);
      return { ...answer(scope, tokens, config as VitConfig, Mode.inference()) };
    });
    const expected = toFloat64(gathered.get("logits")!);
    for (const [i, value] of toFloat64(masked.get("logits")!).entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  test("without a warm-up it is what all models learn", () => {
    expect(reducingObjective(modelWith(TOKENS))).toBeUndefined();
    expect(reducingObjective(modelWith(TOKENS), { shrink_until: 0.5 })).toBeDefined();
  });
});

describe("what cannot be", () => {
  test.each<[string | undefined, Record<string, number>, RegExp]>([
    [undefined, { group: 1 }, /keeps all of them/],
    ["keep=0.5@1:dynamicvit", { penalty: 2 }, /reducing\.penalty is not for dynamicvit/],
    ["keep=0.5@1:prune", { group: 1 }, /reducing\.group is not for prune/],
    ["policy@0,1:ia-red2", { group: 3 }, /has 2 groups/],
  ])("%s with %o", (tokens, reducing, message) => {
    expect(() => reducingObjective(modelWith(tokens), reducing)).toThrow(message);
  });

  test("a model that was never trained has nothing to teach", () => {
    const model = modelWith("keep=0.5@1:dynamicvit");
    expect(() => requireTrained(model, ["score_predictor.0.in_conv.0.weight"])).not.toThrow();
    expect(() => requireTrained(model, ["head.weight", "head.bias"])).toThrow(/2 of this one's parameters are fresh/);
    expect(() => requireTrained(modelWith(), ["head.weight"])).not.toThrow();
  });
});

/** Of logits (BATCH, CLASSES), with the file's targets. */
function crossEntropy(logits: readonly number[]): number {
  const graph = new Graph();
  const shape = [BATCH, CLASSES];
  graph.output("loss", softCrossEntropy(graph.input("logits", shape), graph.input("targets", shape)));
  const inputs = { logits: tensor("float64", shape, Float64Array.from(logits)), targets };
  return toFloat64(interpret(graph, { inputs, parameters: new Map(), precision: "float64" }).get("loss")!)[0]!;
}
