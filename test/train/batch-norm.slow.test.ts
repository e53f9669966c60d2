// Training a model with batch normalisation: three updates as PyTorch makes them, statistics that are frozen, averaged, and kept by a run that
// is stopped and resumed.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { defineModel } from "../../src/models/registry.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../../src/tensor.ts";
import { sgd } from "../../src/train/optimizers/sgd.ts";
import type { RecipeInput } from "../../src/train/recipe-fields.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { buildTrainStep, type StepOptions, type TrainStep } from "../../src/train/step.ts";
import { initialState } from "../../src/train/trainer.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { hashedTensor, loadGolden, maxDifference } from "../golden-case.ts";
import { fitShapes, outcome } from "./fit.ts";
import { tinyRecipe } from "./shapes.ts";

type Feeds = Record<string, TensorData>;
/** Runs a step again and again. */
type Engine = AsyncDisposable & { run(feeds: Feeds): Promise<Feeds> };
type Open = (step: TrainStep) => Promise<Engine>;

const golden = loadGolden("timm-extra/resnet_training")!;
const model = defineModel("resnet", golden.config);
const weights = model.architecture.adoptWeights(golden.weights, model.config);
const facts = golden.json as {
  batches: { name: string; shape: number[]; scale: number; offset: number }[];
  targets: number[];
};
const [batch, , height, width] = facts.batches[0]!.shape as [number, number, number, number];

function stepOf(changes: Partial<StepOptions> = {}): TrainStep {
  return buildTrainStep({
    model,
    batch,
    height,
    width,
    classes: 3,
    optimizer: sgd(),
    groups: { weightDecay: 0.01 },
    loss: "cross_entropy",
    ema: false,
    ...changes,
  });
}

/** One update for each batch of the golden: losses, the state after them, and what a tensor was after each. */
async function train(step: TrainStep, open: Open, scalars: Readonly<Record<string, number>> = {}) {
  await using engine = await open(step);
  const carried = new Set(step.state.map(({ input }) => input));
  const fixed = [...weights].filter(([name]) => !carried.has(name));
  const oneHot = facts.targets.flatMap((label) => [0, 1, 2].map((c) => (c === label ? 1 : 0)));
  const numbers = Object.entries({ learning_rate: 0.05, ...scalars });
  const state: Feeds = Object.fromEntries(initialState(step, weights));
  const losses: number[] = [];
  const history: Feeds[] = [];
  for (const spec of facts.batches) {
    const outputs = await engine.run({
      image: hashedTensor(spec, 0),
      targets: tensor("float32", [batch, 3], Float32Array.from(oneHot)),
      ...Object.fromEntries(numbers.map(([name, value]) => [name, tensor("float32", [], Float32Array.of(value))])),
      ...Object.fromEntries(fixed),
      ...state,
    });
    losses.push(Number(outputs.loss!.data[0]));
    for (const { input, output } of step.state) state[input] = outputs[output]!;
    history.push({ ...state });
  }
  return { losses, state, history };
}

const interpreter: Open = async ({ graph }) => ({
  async run(feeds) {
    const isParameter = ([name]: [string, TensorData]) => graph.parameters.has(name);
    const all = Object.entries(feeds);
    const inputs = Object.fromEntries(all.filter((feed) => !isParameter(feed)));
    const parameters = new Map(all.filter(isParameter));
    return Object.fromEntries(interpret(graph, { inputs, parameters, precision: "float64" }));
  },
  async [Symbol.asyncDispose]() {},
});

const native: Open = ({ graph }) =>
  nodeHost.createSession(lower(graph, { parametersAs: "inputs", target: "onnxruntime" }), { device: "cpu" });

// The interpreter computes in float64 from numbers that are stored in float32.
test.each([
  ["the interpreter", interpreter, 2e-6],
  ["ONNX Runtime", native, 2e-4],
])("three updates are PyTorch's, running statistics included, in %s", async (_, open, tolerance) => {
  const { losses, state } = await train(stepOf(), open);
  toFloat64(golden.outputs.get("losses")!).forEach((loss, i) => {
    expect(Math.abs(losses[i]! - loss), `loss ${i}`).toBeLessThan(tolerance);
  });
  const after = [...golden.outputs].filter(([name]) => name.startsWith("after."));
  expect(after.map(([name]) => name.slice("after.".length)).sort()).toEqual([...weights.keys()].sort());
  for (const [name, value] of after)
    expect(maxDifference(state[name.slice("after.".length)], value), name).toBeLessThan(tolerance);
});

test("buffers are state, but nobody trains them", () => {
  const step = stepOf({ ema: true });
  const buffers = [...step.graph.parameters.values()].filter(({ trainable }) => !trainable).map(({ name }) => name);
  expect(buffers.length).toBeGreaterThan(20);
  const roles = new Map(step.state.map(({ input, role }) => [input, role]));
  for (const name of buffers) {
    expect(roles.get(name), name).toBe("buffer");
    expect(roles.get(`ema.${name}`), name).toBe("ema");
    expect(step.trained).not.toContain(name);
    expect(roles.has(`sgd.momentum_buffer.${name}`)).toBe(false);
  }
});

test("moving averages follow the running statistics too", async () => {
  const name = "layer1.0.bn1.running_var";
  const { state, history } = await train(stepOf({ ema: true }), native, { ema_decay: 0.75 });
  const first = (value: TensorData | undefined) => toFloat64(value!)[0]!;
  const average = history.reduce((mean, after) => 0.75 * mean + 0.25 * first(after[name]), first(weights.get(name)));
  expect(first(state[`ema.${name}`])).toBeCloseTo(average, 5);
});

test("frozen statistics stay, and are what normalises", async () => {
  const step = stepOf({ groups: { weightDecay: 0, freeze: ["*.running_*"] } });
  expect(step.state.every(({ role }) => role !== "buffer")).toBe(true);
  // Exactly the layers whose statistics are frozen.
  const some = stepOf({ groups: { weightDecay: 0, freeze: ["bn1.*", "layer1.*"] } });
  const moving = some.state.filter(({ role }) => role === "buffer").map(({ parameter }) => parameter);
  expect(moving.length).toBeGreaterThan(0);
  expect(moving.filter((name) => /^(bn1|layer1)\./.test(name))).toEqual([]);
  const { losses } = await train(step, native);
  const trained = await train(stepOf({ groups: { weightDecay: 0 } }), native);
  expect(Math.abs(losses[0]! - trained.losses[0]!)).toBeGreaterThan(1e-3);
});

const RESNET: Partial<RecipeInput> = {
  architecture: "resnet",
  config: { block: "BasicBlock", layers: [1, 1], stem_channels: 8, channels: [8, 8], drop_rate: 0.2 },
  optimizer: "sgd",
  learning_rate: 0.05,
  no_decay: [],
  ema_decay: 0.9,
  accumulate: 2,
  epochs: 2,
};

test("a run that is stopped and resumed keeps them, and so does its model", async () => {
  const recipe = tinyRecipe(RESNET);
  const whole = new MemoryFiles();
  const { model: trained } = await fitShapes({ recipe, files: whole });
  const broken = new MemoryFiles();
  const stop = new AbortController();
  const onStep = ({ step }: { step: number }) => step === 3 && stop.abort();
  await expect(fitShapes({ recipe, files: broken, signal: stop.signal, onStep })).rejects.toThrow(AbortedError);
  await fitShapes({ recipe, files: broken, resume: true });
  expect(await outcome(broken)).toEqual(await outcome(whole));

  const moved = (tensors: ReadonlyMap<string, TensorData>) => toFloat64(tensors.get("bn1.running_mean")!);
  expect(moved(trained.weights).every((value) => value !== 0)).toBe(true);
  const { tensors } = readSafetensors(await whole.read("/run/last/model.safetensors"));
  expect(moved(tensors).every((value) => value !== 0)).toBe(true);
});
