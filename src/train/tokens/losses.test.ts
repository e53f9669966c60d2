// The parts of the objectives for fewer tokens against numbers by hand.
import { expect, test } from "vitest";
import { reduceSum } from "../../graph/build.ts";
import { differentiate } from "../../graph/gradients/differentiate.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { Graph, type Tensor } from "../../graph/tensor.ts";
import { type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import {
  confidence,
  isRight,
  keptTokenLoss,
  policyLogProbability,
  policyReward,
  selfCriticalLoss,
  shareLoss,
} from "./losses.ts";

const rows = (...values: readonly (readonly number[])[]) =>
  tensor("float32", [values.length, values[0]!.length], Float32Array.from(values.flat()));

/** What `build` makes of inputs, and the gradient of its sum by the first of them. */
function evaluate(inputs: readonly TensorData[], build: (...tensors: Tensor[]) => Tensor) {
  const graph = new Graph();
  const tensors = inputs.map((input, i) => graph.input(`${i}`, input.shape));
  const value = build(...tensors);
  graph.output("value", value);
  const total = reduceSum(
    value,
    value.shape.map((_, axis) => axis),
  );
  graph.output("gradient", differentiate(total, [tensors[0]!])[0]!);
  const outputs = interpret(graph, {
    inputs: Object.fromEntries(inputs.map((input, i) => [`${i}`, input])),
    parameters: new Map(),
  });
  return { value: [...toFloat64(outputs.get("value")!)], gradient: [...toFloat64(outputs.get("gradient")!)] };
}

const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 6);
};

test("shares that are kept, against those that should be", () => {
  // Kept: 3/4 and 1/4 by the first predictor, 1/2 and 0 by the second.
  const first = rows([1, 1, 1, 0], [1, 0, 0, 0]);
  const second = rows([1, 1, 0, 0], [0, 0, 0, 0]);
  const { value, gradient } = evaluate([first, second], (a, b) => shareLoss([a, b], [0.5, 0.25]));
  close(value, [((0.25 ** 2 + 0.25 ** 2) / 2 + (0.25 ** 2 + 0.25 ** 2) / 2) / 2]);
  // d/dx of (share - 0.5)^2 / 2 pictures / 2 predictors: the share moves by a quarter of x.
  const each = (off: number) => (2 * off * 0.25) / 4;
  close(gradient, [...Array(4).fill(each(0.25)), ...Array(4).fill(each(-0.25))]);
});

test("tokens are compared with the teacher's where they are kept", () => {
  const tokens = tensor("float32", [1, 3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  const teacher = tensor("float32", [1, 3, 2], Float32Array.of(0, 2, 100, 100, 5, 3));
  const { value, gradient } = evaluate([tokens, teacher, rows([1, 0, 1])], keptTokenLoss);
  close(value, [(1 + 9) / 4]);
  close(gradient, [2 / 4, 0, 0, 0, 0, 6 / 4]);
});

test("nothing kept is no distance", () => {
  const tokens = tensor("float32", [1, 1, 2], Float32Array.of(1, 2));
  close(evaluate([tokens, tokens, rows([0])], keptTokenLoss).value, [0]);
});

test("rewards: fewer tokens where the answer is right, the penalty where it is not", () => {
  const logits = rows([2, 1], [2, 1]);
  const targets = rows([0.9, 0.1], [0, 1]);
  const policy = rows([1, 1, 0, 0], [1, 0, 0, 0]);
  close(evaluate([logits, targets, policy], (l, t, p) => policyReward(isRight(l, t), p, 3)).value, [1 - 0.25, -3]);
  const p = 1 / (1 + Math.exp(-1)); // of the first class
  const soft = evaluate([logits, rows([1, 0], [0, 1]), policy], (l, t, chosen) =>
    policyReward(confidence(l, t), chosen, 3),
  );
  close(soft.value, [p * 0.75 - 3 * (1 - p), (1 - p) * (1 - 1 / 16) - 3 * p]);
});

test("the probability of a choice: of tokens that were left, the first apart", () => {
  const scores = rows([0.3, 0.8, 0.6, 0]);
  const { value, gradient } = evaluate([scores, rows([1, 1, 0, 0]), rows([1, 1, 1, 0])], (s, policy, previous) =>
    policyLogProbability(policy, s, previous, 1),
  );
  close(value, [Math.log(0.8) + Math.log(0.4)]);
  close(gradient, [0, 1 / 0.8, -1 / 0.4, 0]);
});

test("a choice better than the greedy one becomes likelier, and a worse one less", () => {
  const logProbability = tensor("float32", [2], Float32Array.of(-1, -2));
  const reward = tensor("float32", [2], Float32Array.of(0.9, -1));
  const baseline = tensor("float32", [2], Float32Array.of(0.4, 0.5));
  const { value, gradient } = evaluate([logProbability, reward, baseline], selfCriticalLoss);
  close(value, [-(0.5 * -1 + -1.5 * -2) / 2]);
  close(gradient, [-0.25, 0.75]);
});
