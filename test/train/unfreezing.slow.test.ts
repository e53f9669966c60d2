// Progressive unfreezing and dual input, step by step: what sleeps stays to the bit, and what is awake moves as if the rest were frozen.
import { expect, test } from "vitest";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { RandomSource } from "../../src/random.ts";
import { type TensorData, tensor } from "../../src/tensor.ts";
import { dualObjective } from "../../src/train/dual-input.ts";
import { adamW } from "../../src/train/optimizers/adamw.ts";
import type { GroupRules } from "../../src/train/parameter-groups.ts";
import { buildTrainStep, type StepOptions, type TrainStep } from "../../src/train/step.ts";
import { initialState, stateOf, Trainer } from "../../src/train/trainer.ts";

const model = defineModel("lightweight_cnn", { channels: [3, 4, 5, 6], hidden: 6, num_classes: 3 });
const weights = initialWeights(inferenceGraph(model), 5);
const BATCH = 6;
const SIDE = 12;

function stepOf(
  unfreeze: GroupRules["unfreeze"],
  changes: Partial<StepOptions> = {},
  freeze: string[] = [],
): TrainStep {
  return buildTrainStep({
    model,
    batch: BATCH,
    height: SIDE,
    width: SIDE,
    classes: 3,
    optimizer: adamW(),
    groups: { weightDecay: 0.05, freeze, ...(unfreeze === undefined ? {} : { unfreeze }) },
    loss: "cross_entropy",
    ema: true,
    clipNorm: 0.5,
    ...changes,
  });
}

function batchOf(number: number, rows = BATCH) {
  const random = new RandomSource(3, `batch/${number}`);
  const targets = new Float32Array(BATCH * 3);
  for (let row = 0; row < BATCH; row++) targets[row * 3 + (row % 3)] = 1;
  return {
    images: tensor(
      "float32",
      [rows, 3, SIDE, SIDE],
      Float32Array.from({ length: rows * 3 * SIDE ** 2 }, () => random.uniform()),
    ),
    targets: tensor("float32", [BATCH, 3], targets),
  };
}

/** The state before the first step and after each, and the reports. */
async function train(step: TrainStep, steps: number, rows = BATCH) {
  await using session = await nodeHost.createSession(
    lower(step.graph, { parametersAs: "inputs", target: "onnxruntime" }),
    {
      device: "cpu",
      threads: 1,
      state: stateOf(step),
    },
  );
  const schedule = { baseRate: 0.01, warmupRate: 0, minimumRate: 0.01, warmupSteps: 0, totalSteps: steps };
  const options = { step, session, optimizer: adamW(), schedule, emaDecay: 0.9, accumulate: 1, seed: 1 };
  const trainer = new Trainer(options, weights, initialState(step, weights));
  const states = [await trainer.state()];
  const reports = [];
  for (let i = 0; i < steps; i++) {
    reports.push(await trainer.run(batchOf(i, rows)));
    states.push(new Map(await trainer.state()));
  }
  return { states, reports };
}

const bits = (value: TensorData | undefined) =>
  Buffer.from(value!.data.buffer, value!.data.byteOffset, value!.data.byteLength).toString("hex");
const changes = (states: readonly ReadonlyMap<string, TensorData>[], name: string) =>
  states.slice(1).map((state, i) => bits(state.get(name)) !== bits(states[i]!.get(name)));

const SCHEDULE = { "branches.*": 0.25, "branches.*.conv1.*": 0.75, "branches.*.bn1.*": 0.75 };

test("what sleeps stays to the bit: weights, running statistics, averages; then it moves", async () => {
  const { states } = await train(stepOf(SCHEDULE), 8);
  const at = (first: number) => Array.from({ length: 8 }, (_, i) => i >= first);
  const expected = (name: string) => at(!name.startsWith("branches.") ? 0 : /conv1|bn1/.test(name) ? 6 : 2);
  for (const name of weights.keys()) {
    // The bias of what a ReLU leaves dark may stay for a while, so that only sleeping is exact.
    const [moved, awake] = [changes(states, name), expected(name)];
    expect(
      moved.filter((_, i) => !awake[i]),
      name,
    ).toEqual(awake.filter((is) => !is));
    expect(moved.some(Boolean), name).toBe(true);
    expect(
      changes(states, `ema.${name}`).filter((_, i) => !awake[i]),
      name,
    ).toEqual(awake.filter((is) => !is));
  }
  expect(changes(states, "branches.0.conv3.weight")).toEqual(at(2));
  expect(changes(states, "branches.1.bn1.running_mean")).toEqual(at(6));
  expect(changes(states, "ema.branches.1.bn1.running_mean")).toEqual(at(6));
  expect(changes(states, "merge.fc.weight")).toEqual(at(0));
});

test("what is awake moves as if the rest were frozen, clipping included; an optimiser's state is kept up", async () => {
  const sleeping = await train(stepOf({ "branches.*": 0.9 }), 3);
  const frozen = await train(stepOf(undefined, {}, ["branches.*"]), 3);
  for (const [i, { loss, gradientNorm }] of sleeping.reports.entries()) {
    expect(loss).toBeCloseTo(frozen.reports[i]!.loss, 6);
    expect(gradientNorm).toBeCloseTo(frozen.reports[i]!.gradientNorm, 5);
  }
  for (const [name, value] of frozen.states[3]!)
    for (const [i, element] of [...value.data].entries())
      expect(Number(sleeping.states[3]!.get(name)!.data[i]), name).toBeCloseTo(Number(element), 5);
  const moment = [...sleeping.states[3]!.keys()].find(
    (name) => name.startsWith("adamw.") && name.endsWith("branches.0.conv2.weight"),
  );
  expect([...sleeping.states[3]!.get(moment!)!.data].some((value) => Number(value) !== 0)).toBe(true);
});

test("when all is awake, nothing differs from training at once", async () => {
  const late = await train(stepOf({ "branches.*": 0.0001 }), 1);
  expect(changes(late.states, "branches.0.conv1.weight")).toEqual([false]);
  const [soon, always] = [await train(stepOf({ "branches.*": 0 }), 3), await train(stepOf(undefined), 3)];
  expect(soon.reports).toEqual(always.reports);
});

test("dual input: each branch learns from its own half, and the loss is the sum", async () => {
  const dual = { views: 2, objective: dualObjective("cross_entropy"), ema: false } as const;
  const apart = {
    ...dual,
    model: defineModel("lightweight_cnn", { channels: [3, 4, 5, 6], hidden: 0, num_classes: 3 }),
  };
  const { states, reports } = await train(stepOf(undefined, apart), 2, 2 * BATCH);
  expect(reports[0]!.loss).toBeGreaterThan(1.5); // two answers by chance: 2 log 3 is 2.2
  expect(changes(states, "branches.0.fc.weight")).toEqual([true, true]);
  expect(changes(states, "branches.1.fc.weight")).toEqual([true, true]);
  // With the second branch frozen the first one takes the same way: neither sees the other's pictures.
  const one = await train(stepOf(undefined, { ...apart, clipNorm: 1e6 }, ["branches.1.*"]), 2, 2 * BATCH);
  const both = await train(stepOf(undefined, { ...apart, clipNorm: 1e6 }), 2, 2 * BATCH);
  const first = (found: typeof one) => [...found.states[2]!.get("branches.0.conv1.weight")!.data].map(Number);
  const [alone, together] = [first(one), first(both)];
  for (const [i, value] of alone.entries()) expect(together[i]).toBeCloseTo(value, 6);
});

test("dual input of a model without branches: the same weights answer both halves", async () => {
  const whole = defineModel("mobilenetv2_100", { num_classes: 3 });
  const step = buildTrainStep({
    ...{ model: whole, batch: 2, views: 2, height: 32, width: 32, classes: 3, optimizer: adamW() },
    ...{ groups: { weightDecay: 0 }, loss: "cross_entropy", ema: false, objective: dualObjective("cross_entropy") },
  });
  expect(step.graph.inputs.get("image")!.shape).toEqual([4, 3, 32, 32]);
  expect(step.graph.inputs.get("targets")!.shape).toEqual([2, 3]);
  expect(step.trained.length).toBeGreaterThan(100);
});
