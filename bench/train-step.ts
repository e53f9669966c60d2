// How long a step of training takes, and where the time goes: forward, backward, optimiser, handing over, and making a batch meanwhile. The anchor
// is a small SparseFormer of 0.84 M parameters, batch 64, 64 x 64 pixels, AdamW. PyTorch 2.13 beside it: docs/performance.md.
//
//   npx tsx bench/train-step.ts [--recipe everyday] [--threads 2] [--rounds 15] [--out bench/results/train-step.json]
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createDataset } from "../src/data/dataset.ts";
import type { Batch, Loader } from "../src/data/loader.ts";
import { reshape, slice } from "../src/graph/build.ts";
import { Graph } from "../src/graph/tensor.ts";
import { lower } from "../src/onnx/lower.ts";
import { createDataWorkers } from "../src/platform/node/data-workers.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { recipeNamed } from "../src/recipes/index.ts";
import type { Session } from "../src/runtime/session.ts";
import { spreadOf } from "../src/statistics.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { trainingLoader } from "../src/train/loaders.ts";
import { optimizerOf, parseRecipe } from "../src/train/recipe.ts";
import type { Recipe } from "../src/train/recipe-fields.ts";
import { scheduleOfRecipe, stepOfRecipe } from "../src/train/recipe-step.ts";
import { startingPoint } from "../src/train/start.ts";
import { initialState, stateOf, Trainer } from "../src/train/trainer.ts";

const CLASSES = 49;
const FOCUS = ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"];
const CORTEX = ["ATTN", "MLP"];

/** 0.84 M parameters: one unit of 64 channels that looks twice, one of 128 that looks once, two more of the cortex. */
const ANCHOR: Partial<Recipe> = {
  name: "anchor",
  config: {
    ...recipeNamed("everyday").config,
    conv_dim: 32,
    width_configs: [64, 128, 128, 128],
    repeats: [2, 1, 1, 1],
    ops_list: [FOCUS, FOCUS, CORTEX, CORTEX],
    drop_path_rate: 0,
  },
};

const { values: flags } = parseArgs({
  options: {
    recipe: { type: "string" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "15" },
    out: { type: "string" },
  },
});
const threads = Number(flags.threads);
const rounds = Number(flags.rounds);
const recipe = parseRecipe(
  flags.recipe === undefined ? { ...recipeNamed("everyday"), ...ANCHOR } : recipeNamed(flags.recipe),
);

/** Pictures of noise in memory: as much work for augmentation as any. */
function noise() {
  const { width, height } = recipe;
  const random = new RandomSource(1, "noise");
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
  return createDataset({
    labels: Array.from({ length: CLASSES }, (_, i) => `class ${i}`),
    targets: Int32Array.from({ length: CLASSES * 40 }, (_, i) => i % CLASSES),
    origin: "from memory",
    name: (i) => `noise ${i}`,
    picture: () => ({ kind: "pixels", image: { width, height, data } }),
  });
}

async function* endless(loader: Loader): AsyncGenerator<Batch> {
  for (;;) yield* loader.batches({ untilEpoch: 1 });
}

const open = (bytes: Uint8Array, state?: Record<string, string>): Promise<Session> =>
  nodeHost.createSession(bytes, { device: "cpu", threads, ...(state === undefined ? {} : { state }) });

/** A graph that takes a batch and does nothing with it. */
function nothing(batch: Batch): Uint8Array {
  const graph = new Graph();
  const first = (name: "images" | "targets") => slice(reshape(graph.input(name, batch[name].shape), [-1]), 0, 0, 1);
  graph.output("a", first("images"));
  graph.output("b", first("targets"));
  return lower(graph, {});
}

const { model } = startingPoint(recipe, noise().labels);
const step = stepOfRecipe(recipe, model.definition, CLASSES);
const parametersAs = { parametersAs: "inputs", target: "onnxruntime" } as const;
const loader = trainingLoader(noise(), recipe, createDataWorkers(1));
const batches = endless(loader);
const nextBatch = async () => (await batches.next()).value as Batch;
const batch = await nextBatch();
const copy = (value: TensorData<"float32">) => tensor("float32", value.shape, value.data.slice());

const sessions = {
  step: await open(lower(step.graph, parametersAs), stateOf(step)),
  handOver: await open(nothing(batch)),
  forward: await open(lower(step.graph, { ...parametersAs, outputs: ["loss"] })),
  backward: await open(lower(step.graph, { ...parametersAs, outputs: ["loss", "gradient_norm"] })),
};
const trainer = new Trainer(
  {
    step,
    session: sessions.step,
    optimizer: optimizerOf(recipe),
    schedule: scheduleOfRecipe(recipe, 344),
    emaDecay: recipe.ema_decay,
    accumulate: 1,
    seed: 1,
  },
  model.weights,
  initialState(step, model.weights),
);
/** The sub-graphs take the parameters with every run: about a millisecond more. */
function feedsFor(session: Session): Record<string, TensorData> {
  const masks = Object.fromEntries(
    step.masks.map(({ name, shape }) => [
      name,
      tensor("float32", shape.map(Number), new Float32Array(recipe.batch).fill(1)),
    ]),
  );
  const all: Record<string, TensorData> = {
    ...Object.fromEntries(model.weights),
    ...masks,
    image: copy(batch.images),
    targets: copy(batch.targets),
  };
  return Object.fromEntries(session.inputs.map(({ name }) => [name, all[name]!]));
}

/** Milliseconds a batch when the worker does nothing else but make batches: the first ones were made in advance. */
async function batchMs(): Promise<number> {
  for (let i = 0; i < 8; i++) await nextBatch();
  const started = performance.now();
  for (let i = 0; i < 16; i++) await nextBatch();
  return (performance.now() - started) / 16;
}

const runStep = () => trainer.run({ images: copy(batch.images), targets: copy(batch.targets) });
/** What a step is made of; taken in turns with whole steps, so shares are of the step beside them. */
const parts: Record<string, () => Promise<unknown>> = {
  hand_over: () => sessions.handOver.run({ images: copy(batch.images), targets: copy(batch.targets) }),
  forward: () => sessions.forward.run(feedsFor(sessions.forward)),
  forward_backward: () => sessions.backward.run(feedsFor(sessions.backward)),
  step: runStep,
};

async function millisecondsOf(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

const making = await batchMs();
// As training runs: one step after another, and nothing between them.
const alone: number[] = [];
for (let round = -2; round < rounds; round++) {
  const taken = await millisecondsOf(runStep);
  if (round >= 0) alone.push(taken);
}
const times = Object.fromEntries(Object.keys(parts).map((name) => [name, [] as number[]]));
for (let round = -2; round < rounds; round++)
  for (const [name, run] of Object.entries(parts)) {
    const taken = await millisecondsOf(run);
    if (round >= 0) times[name]!.push(taken);
  }
for (const session of Object.values(sessions)) await session.dispose();
await loader.dispose();

const median = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, spreadOf(list).median]));
const parameters = [...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
const share = (ms: number) => Number((ms / median.step!).toFixed(3));
const result = {
  recipe: recipe.name,
  parameters,
  batch: recipe.batch,
  size: [recipe.height, recipe.width],
  threads,
  rounds,
  processor: cpus()[0]?.model ?? "",
  step_ms: spreadOf(alone),
  images_per_second: Math.round((1000 * recipe.batch) / spreadOf(alone).median),
  shares: {
    hand_over: share(median.hand_over!),
    forward: share(median.forward! - median.hand_over!),
    backward: share(median.forward_backward! - median.forward!),
    optimizer: share(median.step! - median.forward_backward!),
  },
  // Made by a worker while the step before runs: a step waits only for what takes longer than itself.
  batch_ms: making,
};
console.log(JSON.stringify(result, null, 2));
if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`);
