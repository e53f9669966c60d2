// One update of GFNet's policy, against the official code: the interpreter in float64, and the engine in float32.
import { expect, test } from "vitest";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Scope } from "../../src/graph/scope.ts";
import { Graph, widen } from "../../src/graph/tensor.ts";
import { policyStep } from "../../src/models/gfnet/policy.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../../src/tensor.ts";
import { ppoLoss } from "../../src/train/gfnet/ppo.ts";
import { adamW } from "../../src/train/optimizers/adamw.ts";
import { actionLogProbability } from "../../src/train/policy-gradients.ts";
import { hashedTensor, loadGolden, maxDifference } from "../golden-case.ts";

const golden = loadGolden("gfnet/ppo_update")!;
const config = golden.config as {
  feature_dim: number;
  hidden_state_dim: number;
  policy_conv: boolean;
  action_std: number;
  lr: number;
  gamma: number;
  eps_clip: number;
};
const policyConfig = { policy_conv: config.policy_conv, policy_hidden_dim: config.hidden_state_dim };
const given = Object.fromEntries(
  (golden.json.inputs as Parameters<typeof hashedTensor>[0][]).map((spec) => [spec.name, hashedTensor(spec, 0)]),
);
const feeds: Record<string, TensorData> = {
  maps: given.states!,
  actions: given.actions!,
  rewards: given.rewards!,
  log_probabilities: golden.outputs.get("old_log_probabilities")!,
};

/** Every parameter after one update with Adam. */
function updateGraph(): Graph {
  const graph = new Graph();
  const input = (name: string) => graph.input(name, feeds[name]!.shape);
  const episodes = {
    maps: input("maps"),
    actions: input("actions"),
    rewards: input("rewards"),
    logProbabilities: input("log_probabilities"),
  };
  const loss = ppoLoss(new Scope(graph).at("policy"), episodes, policyConfig, {
    gamma: config.gamma,
    clip: config.eps_clip,
    deviation: config.action_std,
  });
  const parameters = [...graph.parameters.values()];
  const gradients = differentiate(
    loss,
    parameters.map((parameter) => widen(parameter.tensor)),
  );
  const adam = adamW();
  const scalar = (value: number) => graph.input(`scalar.${value}`, []);
  const extra = Object.fromEntries(Object.entries(adam.scalars(1)).map(([name, value]) => [name, scalar(value)]));
  parameters.forEach((parameter, i) => {
    const zeros = graph.input(`zeros.${parameter.name}`, parameter.shape);
    const rates = { learningRate: scalar(config.lr), extra };
    const update = adam.update(widen(parameter.tensor), gradients[i]!, [zeros, zeros], rates, {
      weightDecay: 0,
      rateScale: 1,
    });
    graph.output(`after.${parameter.name}`, update.parameter);
  });
  return graph;
}

function allFeeds(graph: Graph): Record<string, TensorData> {
  const numbers = [...graph.inputs].flatMap(([name, { shape }]): [string, TensorData][] => {
    if (name.startsWith("scalar.")) return [[name, tensor("float32", [], Float32Array.of(Number(name.slice(7))))]];
    const fixed = shape as readonly number[];
    return name.startsWith("zeros.")
      ? [[name, tensor("float32", fixed, new Float32Array(fixed.reduce((a, b) => a * b, 1)))]]
      : [];
  });
  return { ...feeds, ...Object.fromEntries(numbers) };
}

function expectUpdate(outputs: (name: string) => TensorData | undefined): void {
  const names = [...golden.outputs.keys()].filter((name) => name.startsWith("after."));
  expect(names).toHaveLength(11);
  for (const name of names) expect(maxDifference(outputs(name), golden.outputs.get(name)!), name).toBeLessThan(1e-5);
}

test("the parameters after one update, in the interpreter", () => {
  const graph = updateGraph();
  const outputs = interpret(graph, { inputs: allFeeds(graph), parameters: golden.weights });
  expectUpdate((name) => outputs.get(name));
  // An update moves by about the rate: the tolerance alone would let a third of a step pass as none.
  const before = toFloat64(golden.weights.get("policy.gru.weight_hh_l0")!);
  const after = toFloat64(outputs.get("after.policy.gru.weight_hh_l0")!);
  expect(after.filter((value, i) => Math.abs(value - before[i]!) > config.lr / 2).length).toBeGreaterThan(
    after.length / 2,
  );
});

test("the parameters after one update, in the engine", async () => {
  const graph = updateGraph();
  await using session = await nodeHost.createSession(lower(graph, { parameters: golden.weights }), { device: "cpu" });
  const outputs = await session.run(allFeeds(graph));
  expectUpdate((name) => outputs[name]);
});

test("log-probabilities of the actions before the update", () => {
  const graph = new Graph();
  const maps = graph.input("maps", given.states!.shape.slice(1));
  const actions = graph.input("actions", given.actions!.shape.slice(1));
  const { action } = policyStep(new Scope(graph).at("policy"), maps, undefined, policyConfig);
  graph.output("log", actionLogProbability(actions, action, config.action_std));
  const first = (data: TensorData) => {
    const size = data.data.length / data.shape[0]!;
    return tensor("float32", data.shape.slice(1), Float32Array.from(toFloat64(data).subarray(0, size)));
  };
  const outputs = interpret(graph, {
    inputs: { maps: first(given.states!), actions: first(given.actions!) },
    parameters: golden.weights,
  });
  const expected = first(golden.outputs.get("log_probabilities_before")!);
  expect(maxDifference(outputs.get("log"), expected)).toBeLessThan(1e-3);
});
