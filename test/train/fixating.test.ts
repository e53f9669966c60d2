// What training AdaptiveNN minimises, against the same numbers put together from what the model answers, and who learns from what.
import { expect, test } from "vitest";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Scope } from "../../src/graph/scope.ts";
import { Graph, widen } from "../../src/graph/tensor.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { Mode } from "../../src/nn/mode.ts";
import { RandomSource } from "../../src/random.ts";
import { tensor, toFloat64 } from "../../src/tensor.ts";
import { type FixatingOptions, fixatingObjective } from "../../src/train/adaptivenn/objective.ts";
import { FIXATING_TOY } from "./fixating-toy.ts";
import { onlyLabels } from "./labelled-inputs.ts";
import { SIZE } from "./shapes.ts";

const [BATCH, CLASSES, STEPS] = [3, 4, 2];
const model = defineModel("adaptivenn", { ...FIXATING_TOY, num_classes: CLASSES });
const weights = initialWeights(inferenceGraph(model), 5);
const random = new RandomSource(1);
const image = tensor(
  "float32",
  [BATCH, 3, SIZE, SIZE],
  Float32Array.from({ length: BATCH * 3 * SIZE * SIZE }, () => random.normal()),
);
const labels = [2, 0, 3];
const targets = tensor(
  "float32",
  [BATCH, CLASSES],
  Float32Array.from({ length: BATCH * CLASSES }, (_, i) => Number(labels[Math.floor(i / CLASSES)] === i % CLASSES)),
);
const OPTIONS: FixatingOptions = {
  focusWeight: 0,
  agreementWeight: 0.5,
  temperature: 1,
  gamma: 0.5,
  lambda: 0.84,
  clip: 0.2,
  deviation: 0.25,
  lastDeviation: 0.1,
};

function objectiveGraph(options: Partial<FixatingOptions> = {}) {
  const graph = new Graph();
  const { loss, logits } = fixatingObjective({ ...OPTIONS, ...options })({
    scope: new Scope(graph),
    model,
    image: graph.input("image", image.shape),
    targets: graph.input("targets", targets.shape),
    mode: Mode.training(),
    draw: ({ name, shape }) => graph.input(name, shape),
    progress: () => graph.input("progress", []),
    ...onlyLabels,
  });
  graph.output("loss", loss);
  graph.output("logits", logits!);
  return { graph, loss };
}

/** Without noise everybody looks where the policy means. */
const inputs = (noise: (i: number) => number = () => 0) => ({
  image,
  targets,
  noise: tensor(
    "float32",
    [STEPS, BATCH, 2],
    Float32Array.from({ length: STEPS * BATCH * 2 }, (_, i) => noise(i)),
  ),
  progress: tensor("float32", [], Float32Array.of(0.5)),
});

test("the loss is what the answers and values of the model say", () => {
  const { graph } = objectiveGraph();
  const found = interpret(graph, { inputs: inputs(), parameters: weights, precision: "float64" });
  const said = interpret(inferenceGraph(model), { inputs: { image }, parameters: weights, precision: "float64" });
  const [logits, values] = ["logits", "values"].map((name) => toFloat64(said.get(name)!)) as [
    Float64Array,
    Float64Array,
  ];
  const logProbabilities = (look: number, item: number) => {
    const row = logits.subarray((look * BATCH + item) * CLASSES, (look * BATCH + item + 1) * CLASSES);
    const sum = row.reduce((total, value) => total + Math.exp(value), 0);
    return [...row].map((value) => value - Math.log(sum));
  };
  const items = labels.map((label, item) => {
    const rows = Array.from({ length: STEPS + 1 }, (_, look) => logProbabilities(look, item));
    const errors = rows.map((row) => -row[label]!);
    const last = rows.at(-1)!;
    const distances = rows
      .slice(0, -1)
      .map((row) => last.reduce((sum, log, i) => sum + Math.exp(log) * (log - row[i]!), 0));
    // Values aim at their own guess and the advantage, so the error is the advantage itself.
    const rewards = errors.slice(1).map((error, step) => errors[step]! - error);
    const value = (step: number) => values[step * BATCH + item]!;
    const second = rewards[1]! - value(1);
    const first = rewards[0]! + OPTIONS.gamma * value(1) - value(0) + OPTIONS.gamma * OPTIONS.lambda * second;
    return { errors, distances, squares: [first ** 2, second ** 2] };
  });
  const sum = (of: (item: (typeof items)[number]) => readonly number[]) =>
    items.reduce((total, item) => total + of(item).reduce((a, b) => a + b, 0), 0) / BATCH;
  // With normalised advantages and actions as probable as they were, the policy's own part is zero. Half way the deviation is half way too.
  const entropy = 2 * Math.log(0.175) + 1 + Math.log(2 * Math.PI);
  const expected =
    sum(({ errors }) => errors) +
    OPTIONS.agreementWeight * sum(({ distances }) => distances) +
    sum(({ squares }) => squares) / STEPS -
    0.01 * entropy;
  expect(toFloat64(found.get("loss")!)[0]).toBeCloseTo(expected, 5);
  const answered = toFloat64(found.get("logits")!);
  expect(answered[0]).toBeCloseTo(logits[STEPS * BATCH * CLASSES]!, 6);
});

test("the focus net alone is learnt where it is asked for, and only there", () => {
  const reaches = (focusWeight: number) => {
    const { graph, loss } = objectiveGraph({ focusWeight });
    const head = graph.parameters.get("focus_net.head.weight")!;
    const [gradient] = differentiate(loss, [widen(head.tensor)]);
    graph.output("gradient", gradient!);
    const outputs = interpret(graph, { inputs: inputs(), parameters: weights });
    return toFloat64(outputs.get("gradient")!).some((value) => value !== 0);
  };
  expect([reaches(1), reaches(0)]).toEqual([true, false]);
});

test("the policy learns from rewards alone, and nothing else from its losses", () => {
  const names = [
    "policy_net_patch.linear2.weight",
    "policy_net_patch_stateV.linear2.weight",
    "focus_net.blocks.0.attn.qkv.weight",
  ];
  const gradients = (options: Partial<FixatingOptions>) => {
    const { graph, loss } = objectiveGraph(options);
    const parameters = names.map((name) => widen(graph.parameters.get(name)!.tensor));
    differentiate(loss, parameters).forEach((gradient, i) => {
      graph.output(names[i]!, gradient);
    });
    const outputs = interpret(graph, { inputs: inputs((i) => Math.sin(7 * i)), parameters: weights });
    return names.map((name) => toFloat64(outputs.get(name)!));
  };
  const usual = gradients({});
  const farSighted = gradients({ gamma: 0.9 });
  const agreed = gradients({ agreementWeight: 3 });
  const isSame = (others: Float64Array[]) =>
    others.map((other, i) => other.every((value, at) => value === usual[i]![at]));
  expect(usual.every((gradient) => gradient.some((value) => value !== 0))).toBe(true);
  expect(isSame(farSighted)).toEqual([false, false, true]);
  expect(isSame(agreed)).toEqual([true, true, false]);
});
