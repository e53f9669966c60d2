// Two updates of AdaptiveNN's policy and value net on one batch of fixations, against the official code: what they learn from in the interpreter, the
// updates, which the interpreter takes long for, in the engine.
import { expect, test } from "vitest";
import {
  concat,
  expandDims,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  reduceSum,
  reshape,
  slice,
  sub,
} from "../../src/graph/build.ts";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Scope, trace } from "../../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../../src/graph/tensor.ts";
import { policy, value } from "../../src/models/adaptivenn/policy.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import type { Session } from "../../src/runtime/session.ts";
import { type TensorData, tensor, toFloat64 } from "../../src/tensor.ts";
import { generalisedAdvantages, ppoLoss } from "../../src/train/adaptivenn/ppo.ts";
import { adamW } from "../../src/train/optimizers/adamw.ts";
import { actionLogProbability } from "../../src/train/policy-gradients.ts";
import { loadGolden, maxDifference } from "../golden-case.ts";

const golden = loadGolden("adaptivenn/adaptivenn_ppo_update")!;
const config = golden.config as {
  batch: number;
  seq_l: number;
  num_classes: number;
  policy_net_hidden_chans: number;
  policy_net_kernel_size: number;
  ppo_std: number;
  gamma: number;
  ppo_lam: number;
  eps_clip: number;
  ppo_update_steps: number;
  lr: number;
  weight_decay: number;
};
const { batch, seq_l: steps, num_classes: classes, ppo_std: deviation } = config;
const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
const strides = golden.json.strides as Readonly<Record<string, number>>;

/** Hashed inputs are listed with the parameters. */
const isInput = (name: string) => /^(states\.|logits$|actions$|logprob_noise$)/.test(name);
const parameters = new Map([...golden.weights].filter(([name]) => !isInput(name)));
const { labels } = golden.json.input as { labels: number[] };
const targets = Float32Array.from({ length: batch * classes }, (_, i) =>
  Number(labels[Math.floor(i / classes)] === i % classes),
);
const given: Record<string, TensorData> = {
  ...Object.fromEntries([...golden.weights].filter(([name]) => isInput(name))),
  targets: tensor("float32", [batch, classes], targets),
};

/** (batch, steps) of the case -> (steps, batch). */
function bySteps(name: string): TensorData {
  const data = toFloat64(golden.outputs.get(name) ?? given[name]!);
  const turned = Float32Array.from(
    { length: steps * batch },
    (_, i) => data[(i % batch) * steps + Math.floor(i / batch)]!,
  );
  return tensor("float32", [steps, batch], turned);
}

const stack = (tensors: readonly Tensor[]) =>
  concat(
    tensors.map((x) => expandDims(x, 0)),
    0,
  );

/** What the nets say of the states, and the actions that were taken. */
function fixations(scope: Scope) {
  const { graph } = scope;
  const states = Array.from({ length: steps }, (_, t) => graph.input(`states.${t}`, given[`states.${t}`]!.shape));
  return {
    means: stack(states.map((state, t) => policy(scope, state, t, config))),
    values: stack(states.map((state, t) => reshape(value(scope, state, t, config), [batch]))),
    actions: minimum(maximum(graph.input("actions", [steps, batch, 2]), 0), 1),
  };
}

const tolerance = (name: string) => 1e-5 + 4 * errors[name]!;

test("rewards, values, log-probabilities, advantages and returns before the update", () => {
  const graph = trace((scope) => {
    const { means, values, actions } = fixations(scope);
    const logits = scope.graph.input("logits", [steps + 1, batch, classes]);
    const aims = scope.graph.input("targets", [batch, classes]);
    const answers = Array.from({ length: steps + 1 }, (_, t) => reshape(slice(logits, 0, t, t + 1), [batch, classes]));
    const losses = answers.map((answer) => neg(reduceSum(mul(aims, logSoftmax(answer)), 1)));
    const rewards = stack(losses.slice(1).map((loss, t) => sub(losses[t]!, loss)));
    const { raw, advantages, returns } = generalisedAdvantages(rewards, values, {
      gamma: config.gamma,
      lambda: config.ppo_lam,
    });
    return {
      rewards,
      old_values: values,
      advantages_raw: raw,
      returns,
      advantages,
      log: actionLogProbability(actions, means, deviation),
    };
  });
  const { logprob_noise: _, ...inputs } = given;
  const outputs = interpret(graph, { inputs, parameters });
  for (const name of ["rewards", "old_values", "advantages_raw", "returns", "advantages"])
    expect(maxDifference(outputs.get(name), bySteps(name)), name).toBeLessThan(tolerance(name));
  const [old, noise] = [bySteps("old_logprobs"), bySteps("logprob_noise")].map(toFloat64) as [
    Float64Array,
    Float64Array,
  ];
  const expected = tensor(
    "float32",
    [steps, batch],
    Float32Array.from(old, (log, i) => log - noise[i]!),
  );
  expect(maxDifference(outputs.get("log"), expected)).toBeLessThan(tolerance("old_logprobs"));
});

/** One update of all parameters with AdamW: inputs `m.NAME`, `v.NAME` and its scalars; outputs their next values. */
function updateGraph(): Graph {
  const graph = new Graph();
  const now = fixations(new Scope(graph));
  const part = (name: string) => graph.input(name, [steps, batch]);
  const replay = {
    ...now,
    logProbabilities: part("old_logprobs"),
    advantages: part("advantages"),
    returns: part("returns"),
  };
  const loss = ppoLoss(replay, { deviation, clip: config.eps_clip });
  for (const name of ["total", "policy", "value", "ratios"] as const) graph.output(name, loss[name]);
  expect(loss.entropy).toBeCloseTo(toFloat64(golden.outputs.get("losses.0")!)[3]!, 5);
  const all = [...graph.parameters.values()];
  const gradients = differentiate(
    loss.total,
    all.map((parameter) => widen(parameter.tensor)),
  );
  const adam = adamW();
  const extra = Object.fromEntries(Object.keys(adam.scalars(1)).map((name) => [name, graph.input(name, [])]));
  for (const [i, { name, shape, tensor: own }] of all.entries()) {
    graph.output(`grad.${name}`, gradients[i]!);
    const states = ["m", "v"].map((kind) => graph.input(`${kind}.${name}`, shape));
    const rates = { learningRate: graph.input("rate", []), extra };
    const rule = { weightDecay: shape.length > 1 ? config.weight_decay : 0, rateScale: 1 };
    const update = adam.update(widen(own), gradients[i]!, states, rates, rule);
    graph.output(`after.${name}`, update.parameter);
    graph.output(`next.m.${name}`, update.states[0]!);
    graph.output(`next.v.${name}`, update.states[1]!);
  }
  return graph;
}

/** All updates, each compared with the case's. */
async function expectUpdates(graph: Graph, session: Session): Promise<void> {
  const scalar = (number: number) => tensor("float32", [], Float32Array.of(number));
  let weights: ReadonlyMap<string, TensorData> = parameters;
  const zeros = ({ shape, data }: TensorData) => tensor("float32", shape, new Float32Array(data.length));
  let states: Record<string, TensorData> = Object.fromEntries(
    [...parameters].flatMap(([name, own]) => ["m", "v"].map((kind) => [`${kind}.${name}`, zeros(own)])),
  );
  for (let step = 0; step < config.ppo_update_steps; step++) {
    const scalars = Object.entries(adamW().scalars(step + 1)).map(([name, number]) => [name, scalar(number)]);
    const answers = await session.run({
      ...Object.fromEntries(Object.entries(given).filter(([name]) => graph.inputs.has(name))),
      ...Object.fromEntries(["old_logprobs", "advantages", "returns"].map((name) => [name, bySteps(name)])),
      ...Object.fromEntries(weights),
      ...states,
      ...Object.fromEntries(scalars),
      rate: scalar(config.lr),
    });
    const outputs = (name: string) => answers[name];
    const expected = toFloat64(golden.outputs.get(`losses.${step}`)!);
    for (const [i, name] of ["total", "policy", "value"].entries())
      expect(Math.abs(toFloat64(outputs(name)!)[0]! - expected[i]!), name).toBeLessThan(tolerance(`losses.${step}`));
    expect(maxDifference(outputs("ratios"), bySteps(`ratios.${step}`)), "ratios").toBeLessThan(
      tolerance(`ratios.${step}`),
    );
    const isLast = step + 1 === config.ppo_update_steps;
    for (const name of parameters.keys()) {
      // AdamW divides by the gradient's size: what is off by rounding moves by a part of the rate.
      if (step === 0) expectEvery(outputs(`grad.${name}`), name, `grad.${name}`, tolerance(`grad.${name}`));
      if (isLast)
        expectEvery(outputs(`after.${name}`), name, `after.${name}`, 0.05 * config.lr + 4 * errors[`after.${name}`]!);
    }
    weights = new Map([...parameters.keys()].map((name) => [name, outputs(`after.${name}`)!]));
    states = Object.fromEntries(Object.keys(states).map((name) => [name, outputs(`next.${name}`)!]));
  }
}

/** Compares every n-th element of a parameter's value, as the case keeps them. */
function expectEvery(actual: TensorData | undefined, parameter: string, output: string, within: number): void {
  const kept = golden.outputs.get(output)!;
  const thinned = toFloat64(actual!)
    .filter((_, i) => i % strides[parameter]! === 0)
    .subarray(0, kept.data.length);
  expect(maxDifference(tensor("float32", kept.shape, Float32Array.from(thinned)), kept), output).toBeLessThan(within);
}

test("losses, gradients and the parameters after two updates", async () => {
  const graph = updateGraph();
  const bytes = lower(graph, { parametersAs: "inputs", target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device: "cpu" });
  await expectUpdates(graph, session);
});
