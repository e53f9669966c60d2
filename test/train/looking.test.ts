// The stages of training glance and focus, each against numbers that were computed another way.
import { expect, test } from "vitest";
import { sub } from "../../src/graph/build.ts";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Scope, trace } from "../../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../../src/graph/tensor.ts";
import { backboneNamed } from "../../src/models/backbones.ts";
import type { GfnetConfig } from "../../src/models/gfnet/config.ts";
import { glance, type Look, lookAt, PARTS } from "../../src/models/gfnet/model.ts";
import { policyStep } from "../../src/models/gfnet/policy.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { Mode } from "../../src/nn/mode.ts";
import { RandomSource } from "../../src/random.ts";
import { gfnetRecipes } from "../../src/recipes/gfnet.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../src/tensor.ts";
import { frozenParts, type LookingOptions, lookingObjective } from "../../src/train/gfnet/objectives.ts";
import { ppoLoss } from "../../src/train/gfnet/ppo.ts";
import type { DrawnInput } from "../../src/train/objective.ts";
import { namePattern } from "../../src/train/parameter-groups.ts";
import { actionLogProbability } from "../../src/train/policy-gradients.ts";
import { onlyLabels } from "./labelled-inputs.ts";

const SIZE = 40;
const BATCH = 3;
const CLASSES = 4;
const STEPS = 2;
const DEVIATION = 0.1;

const model = defineModel("gfnet", {
  arch: "resnet50",
  backbone: { block: "BasicBlock", layers: [1], channels: [4], stem_channels: 4, zero_init_last: false },
  patch_size: 32,
  image_size: SIZE,
  T: STEPS + 1,
  class_num: CLASSES,
  fc_hidden_dim: 6,
  policy_conv: true,
  policy_hidden_dim: 5,
});
const config = model.config as GfnetConfig;
const weights = initialWeights(inferenceGraph(model), 3);

const numbers = (shape: readonly number[], next: () => number) =>
  tensor("float32", shape, Float32Array.from({ length: elementCount(shape) }, next));
const random = new RandomSource(1);
const image = numbers([BATCH, 3, SIZE, SIZE], () => random.normal());
const labels = [2, 0, 3];
const targets = tensor(
  "float32",
  [BATCH, CLASSES],
  Float32Array.from({ length: BATCH * CLASSES }, (_, i) => Number(labels[Math.floor(i / CLASSES)] === i % CLASSES)),
);
const places = numbers([STEPS, BATCH, 2], () => random.uniform());
const noise = numbers([STEPS, BATCH, 2], () => random.normal());
const feeds: Record<string, TensorData> = { image, targets, places, noise };

const OPTIONS: Omit<LookingOptions, "stage"> = { encoderLossWeight: 0.5, trainsGlance: true };

/** The loss of a stage as a graph, and the parameters that it trains. */
function stageGraph(stage: 1 | 2 | 3, options = OPTIONS, offset = 0, of = model) {
  const graph = new Graph();
  const draws: DrawnInput[] = [];
  const frozen = namePattern(frozenParts({ ...options, stage }));
  const mode = Mode.training({ keepsStatistics: frozen });
  const { loss } = lookingObjective({ ...options, stage })({
    scope: new Scope(graph),
    model: of,
    image: graph.input("image", image.shape),
    targets: graph.input("targets", targets.shape),
    mode,
    progress: () => graph.input("progress", []),
    ...onlyLabels,
    draw(input) {
      draws.push(input);
      return graph.input(input.name, input.shape);
    },
  });
  graph.output("loss", sub(loss, offset));
  const trained = [...graph.parameters.values()].filter(({ name, trainable }) => trainable && !frozen(name));
  return { graph, loss, trained, draws, mode };
}

function run(
  graph: Graph,
  parameters: ReadonlyMap<string, TensorData> = weights,
  more: Record<string, TensorData> = {},
) {
  const known = Object.entries({ ...feeds, ...more }).filter(([name]) => graph.inputs.has(name));
  return interpret(graph, { inputs: Object.fromEntries(known), parameters });
}

const lossOf = (graph: Graph, parameters = weights) => toFloat64(run(graph, parameters).get("loss")!)[0]!;

function gradientsOf(loss: Tensor, graph: Graph, names: readonly string[]) {
  const gradients = differentiate(
    loss,
    names.map((name) => widen(graph.parameters.get(name)!.tensor)),
  );
  gradients.forEach((gradient, i) => {
    graph.output(`gradient.${names[i]}`, gradient);
  });
}

/** The looks themselves, with patches where `feeds.places` says, as numbers: (looks, batch, classes) each. */
function looksByHand(mode: Mode, choose: "places" | "policy") {
  const graph = trace((scope) => {
    const picture = scope.graph.input("image", image.shape);
    const row = (name: "places" | "noise", step: number) => scope.graph.input(`${name}.${step}`, [BATCH, 2]);
    const looks: Look[] = [glance(scope, picture, config, mode)];
    const outputs: Record<string, Tensor> = {};
    for (let step = 0; step < STEPS; step++) {
      const { state } = looks.at(-1)!;
      outputs[`map.${step}`] = state.map;
      const next = policyStep(scope.at(PARTS.policy), state.map, state.policyHidden, config);
      if (choose === "policy") outputs[`mean.${step}`] = next.action;
      looks.push(lookAt(scope, picture, row("places", step), { ...state, policyHidden: next.hidden }, config, mode));
    }
    looks.forEach(({ logits, ownLogits }, i) => {
      outputs[`logits.${i}`] = logits;
      outputs[`own.${i}`] = ownLogits;
    });
    return outputs;
  });
  return graph;
}

const stepOf = (x: TensorData, step: number) =>
  tensor("float32", [BATCH, 2], Float32Array.from(toFloat64(x).subarray(step * BATCH * 2, (step + 1) * BATCH * 2)));

/** Episodes of the policy with the noise of `feeds`: where it looked, and what came of it. One step's place is needed for the next. */
function rollOut() {
  const graph = looksByHand(Mode.inference(), "policy");
  const at: TensorData[] = Array.from({ length: STEPS }, () =>
    tensor("float32", [BATCH, 2], new Float32Array(2 * BATCH)),
  );
  const outputs = () => run(graph, weights, Object.fromEntries(at.map((x, step) => [`places.${step}`, x])));
  for (let step = 0; step < STEPS; step++) {
    const mean = toFloat64(outputs().get(`mean.${step}`)!);
    const bend = toFloat64(stepOf(noise, step));
    at[step] = tensor(
      "float32",
      [BATCH, 2],
      Float32Array.from(mean, (value, i) => Math.min(1, Math.max(0, value + DEVIATION * bend[i]!))),
    );
  }
  return { places: at, outputs: outputs() };
}

function softmaxOf(logits: Float64Array, row: number): number[] {
  const scores = [...logits.subarray(row * CLASSES, (row + 1) * CLASSES)].map(Math.exp);
  const sum = scores.reduce((a, b) => a + b);
  return scores.map((score) => score / sum);
}

const crossEntropy = (logits: TensorData) =>
  labels.reduce((sum, label, row) => sum - Math.log(softmaxOf(toFloat64(logits), row)[label]!), 0) / BATCH;

test("stages 1 and 3: the mean over the looks of both losses", () => {
  const places3 = rollOutTraining();
  for (const [stage, at] of [
    [1, [stepOf(places, 0), stepOf(places, 1)]],
    [3, places3],
  ] as const) {
    const graph = looksByHand(Mode.training(), "places");
    const outputs = run(graph, weights, Object.fromEntries(at.map((x, step) => [`places.${step}`, x])));
    let expected = 0;
    for (let look = 0; look <= STEPS; look++)
      expected += crossEntropy(outputs.get(`logits.${look}`)!) + 0.5 * crossEntropy(outputs.get(`own.${look}`)!);
    expect(lossOf(stageGraph(stage).graph)).toBeCloseTo(expected / (STEPS + 1), 5);
  }
});

/** Places that stage 3 chooses: by the policy, from maps of encoders that train. */
function rollOutTraining(): TensorData[] {
  const graph = looksByHand(Mode.training(), "policy");
  const at: TensorData[] = Array.from({ length: STEPS }, () =>
    tensor("float32", [BATCH, 2], new Float32Array(2 * BATCH)),
  );
  for (let step = 0; step < STEPS; step++) {
    const feedsNow = Object.fromEntries(at.map((x, i) => [`places.${i}`, x]));
    const mean = toFloat64(run(graph, weights, feedsNow).get(`mean.${step}`)!);
    const bend = toFloat64(stepOf(noise, step));
    const moved = Float32Array.from(mean, (value, i) => Math.min(1, Math.max(0, value + DEVIATION * bend[i]!)));
    at[step] = tensor("float32", [BATCH, 2], moved);
  }
  return at;
}

test("stage 1: gradients through the unrolled classifier and both encoders, by finite differences", () => {
  const { graph, loss, trained } = stageGraph(1);
  const names = [
    "fc.rnn.weight_ih_l0",
    "fc.rnn.weight_hh_l0",
    "fc.fc.weight",
    "model_state_dict.layer1.0.conv1.weight",
    "model_state_dict.fc.bias",
    "model_prime_state_dict.bn1.weight",
    "model_prime_state_dict.conv1.weight",
  ];
  expect(trained.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  expect(trained.some(({ name }) => name.startsWith("policy."))).toBe(false);
  gradientsOf(loss, graph, names);
  const outputs = run(graph);
  // Outputs are float32, what is inside is not: near zero, small differences survive.
  const plain = stageGraph(1, OPTIONS, toFloat64(outputs.get("loss")!)[0]!).graph;
  for (const name of names) {
    const gradient = toFloat64(outputs.get(`gradient.${name}`)!);
    const largest = gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best]!) ? i : best), 0);
    const value = weights.get(name)!;
    const moved = (sign: number) => {
      const data = Float32Array.from(toFloat64(value));
      data[largest] = data[largest]! + sign * 2 ** -14;
      return {
        at: data[largest]!,
        loss: lossOf(plain, new Map([...weights, [name, tensor("float32", value.shape, data)]])),
      };
    };
    const [up, down] = [moved(1), moved(-1)];
    const numeric = (up.loss - down.loss) / (up.at - down.at);
    expect(Math.abs(numeric - gradient[largest]!), name).toBeLessThan(1e-2 * Math.abs(gradient[largest]!) + 1e-6);
  }
});

test("stage 2: the loss from rewards, returns and advantages", () => {
  const { outputs } = rollOut();
  const confidence = (look: number) => {
    const logits = toFloat64(outputs.get(`logits.${look}`)!);
    return labels.map((label, row) => softmaxOf(logits, row)[label]!);
  };
  const rewards = Array.from({ length: STEPS }, (_, step) =>
    confidence(step + 1).map((after, row) => after - confidence(step)[row]!),
  );
  const returns = rewards.map((row) => [...row]);
  for (let step = STEPS - 2; step >= 0; step--)
    returns[step]!.forEach((_, row) => {
      returns[step]![row]! += 0.7 * returns[step + 1]![row]!;
    });
  const all = returns.flat();
  const mean = all.reduce((a, b) => a + b) / all.length;
  const deviation = Math.sqrt(all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (all.length - 1));
  const normal = all.map((x) => (x - mean) / (deviation + 1e-5));
  const { values } = replayed();
  // Every probability ratio is one, so the gain is the advantage itself.
  const advantage = normal.map((x, i) => x - values[i]!);
  const average = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length;
  const entropy = 2 * Math.log(DEVIATION) + 1 + Math.log(2 * Math.PI);
  const expected = -average(advantage) + 0.5 * average(advantage.map((x) => x * x)) - 0.01 * entropy;
  expect(lossOf(stageGraph(2).graph)).toBeCloseTo(expected, 4);

  function replayed() {
    const graph = trace((scope) => {
      let hidden: Tensor | undefined;
      const result: Record<string, Tensor> = {};
      for (let step = 0; step < STEPS; step++) {
        const map = scope.graph.input(`map.${step}`, outputs.get("map.0")!.shape);
        const next = policyStep(scope.at(PARTS.policy), map, hidden, config);
        result[`value.${step}`] = next.value;
        hidden = next.hidden;
      }
      return result;
    });
    const maps = Object.fromEntries(Array.from({ length: STEPS }, (_, i) => [`map.${i}`, outputs.get(`map.${i}`)!]));
    const result = run(graph, weights, maps);
    return { values: Array.from({ length: STEPS }, (_, i) => [...toFloat64(result.get(`value.${i}`)!)]).flat() };
  }
});

test("stage 2: only the policy learns, from recorded episodes as from its own", () => {
  const { graph, loss, trained, mode } = stageGraph(2);
  const names = trained.map(({ name }) => name);
  expect(names.every((name) => name.startsWith("policy."))).toBe(true);
  expect(mode.bufferUpdates.size).toBe(0);
  gradientsOf(loss, graph, names);
  const own = run(graph);

  const { outputs, places: at } = rollOut();
  const recorded = new Graph();
  const shape = outputs.get("map.0")!.shape;
  const joined = (parts: readonly TensorData[], size: readonly number[]) =>
    tensor("float32", [STEPS, ...size], Float32Array.from(parts.flatMap((x) => [...toFloat64(x)])));
  const probabilities = trace((scope) => ({
    log: actionLogProbability(
      scope.graph.input("actions", [STEPS, BATCH, 2]),
      scope.graph.input("means", [STEPS, BATCH, 2]),
      DEVIATION,
    ),
  }));
  const actions = joined(at, [BATCH, 2]);
  const means = joined([outputs.get("mean.0")!, outputs.get("mean.1")!], [BATCH, 2]);
  const confidence = (look: number) => {
    const logits = toFloat64(outputs.get(`logits.${look}`)!);
    return labels.map((label, row) => softmaxOf(logits, row)[label]!);
  };
  const rewards = [0, 1].flatMap((step) => confidence(step + 1).map((after, row) => after - confidence(step)[row]!));
  const again = ppoLoss(
    new Scope(recorded).at(PARTS.policy),
    {
      maps: recorded.input("maps", [STEPS, ...shape]),
      actions: recorded.input("actions", [STEPS, BATCH, 2]),
      logProbabilities: recorded.input("log", [STEPS, BATCH]),
      rewards: recorded.input("rewards", [STEPS, BATCH]),
    },
    config,
  );
  gradientsOf(again, recorded, names);
  const expected = run(recorded, weights, {
    maps: joined([outputs.get("map.0")!, outputs.get("map.1")!], shape),
    actions,
    log: run(probabilities, weights, { actions, means }).get("log")!,
    rewards: tensor("float32", [STEPS, BATCH], Float32Array.from(rewards)),
  });
  for (const name of names) {
    const [a, b] = [own, expected].map((results) => toFloat64(results.get(`gradient.${name}`)!));
    const scale = Math.max(...b!.map(Math.abs), 1e-6);
    expect(Math.max(...a!.map((value, i) => Math.abs(value - b![i]!))) / scale, name).toBeLessThan(1e-3);
  }
  expect(Math.max(...toFloat64(own.get("gradient.policy.actor.0.weight")!).map(Math.abs))).toBeGreaterThan(1e-4);
});

test("a glance that does not learn keeps its statistics too", () => {
  const { trained, mode } = stageGraph(1, { ...OPTIONS, trainsGlance: false });
  const learns = (part: string) => trained.some(({ name }) => name.startsWith(part));
  expect([learns("model_prime_state_dict."), learns("model_state_dict."), learns("fc.")]).toEqual([false, true, true]);
  expect([...mode.bufferUpdates.keys()].every((name) => name.startsWith("model_state_dict."))).toBe(true);
});

test("dropout: one mask a look that trains, none for the policy, and the classifier and the encoder's own layer see the same", () => {
  const dropping = defineModel("gfnet", { ...config, backbone: { ...config.backbone, drop_rate: 0.25 } });
  const masksOf = (stage: 1 | 2 | 3, options = OPTIONS) => stageGraph(stage, options, 0, dropping).mode.masks;
  const each = { keep: 0.75, shape: [BATCH, config.feature_num] };
  expect(masksOf(1)).toEqual([0, 1, 2].map((i) => ({ name: `dropout.${i}`, ...each })));
  expect(masksOf(3, { ...OPTIONS, trainsGlance: false })).toHaveLength(STEPS);
  expect(masksOf(2)).toEqual([]);
  // With nothing kept of the features, the encoder's own layer, which reads what the classifier reads, has nothing to learn from.
  const { graph, loss } = stageGraph(1, OPTIONS, 0, dropping);
  gradientsOf(loss, graph, ["model_state_dict.fc.weight"]);
  const zeros = numbers(each.shape, () => 0);
  const masked = run(graph, weights, { "dropout.0": zeros, "dropout.1": zeros, "dropout.2": zeros });
  expect(Math.max(...toFloat64(masked.get("gradient.model_state_dict.fc.weight")!).map(Math.abs))).toBe(0);
});

test("drop-connect: rates rise from the first block to the last, as MobileNet's official blocks have them", () => {
  const mode = Mode.training();
  const graph = new Graph();
  const encoder = backboneNamed("mobilenetv3_large_100", { drop_path_rate: 0.2 });
  encoder.featureMap(new Scope(graph), graph.input("image", [2, 3, 32, 32]), mode);
  // 15 blocks and a convolution that counts as one; ten blocks have a residual.
  const blocks = [0, 2, 4, 5, 7, 8, 9, 11, 13, 14];
  expect(mode.masks.map(({ keep }) => keep)).toEqual(blocks.slice(1).map((i) => 1 - (0.2 * i) / 16));
  expect(gfnetRecipes.map(({ name, stages }) => [name, stages[0]!.config?.backbone])).toEqual(
    expect.arrayContaining([
      ["gfnet-resnet50", undefined],
      ["gfnet-mobilenetv3-large", { drop_rate: 0.2, drop_path_rate: 0.2 }],
      ["gfnet-efficientnet-b2", { drop_rate: 0.3, drop_path_rate: 0.2 }],
    ]),
  );
});

test("stage 3 leaves the policy as it is", () => {
  const { trained, draws } = stageGraph(3);
  expect(trained.some(({ name }) => name.startsWith("policy."))).toBe(false);
  expect(draws).toEqual([{ name: "noise", shape: [STEPS, BATCH, 2], distribution: "normal" }]);
});
