// The compiled step as the trainer runs it: what moves, what does not, and what stops it.
import { expect, test } from "vitest";
import type { Batch } from "../../src/data/loader.ts";
import { initialWeights } from "../../src/models/graph.ts";
import { lower } from "../../src/onnx/lower.ts";
import type { TensorData } from "../../src/tensor.ts";
import { tensor, toFloat64 } from "../../src/tensor.ts";
import { trainingLoader } from "../../src/train/loaders.ts";
import { optimizerOf } from "../../src/train/recipe.ts";
import type { Recipe } from "../../src/train/recipe-fields.ts";
import { scheduleOfRecipe, stepOfRecipe } from "../../src/train/recipe-step.ts";
import { startingPoint } from "../../src/train/start.ts";
import { buildTrainStep } from "../../src/train/step.ts";
import { stepMemory } from "../../src/train/step-memory.ts";
import { DivergedError, initialState, stateOf, Trainer, type TrainingBatch } from "../../src/train/trainer.ts";
import { createSession } from "./fit.ts";
import { EVERYTHING, LABELS, shapes, TINY_CONFIG, tinyRecipe, worker } from "./shapes.ts";

/** A trainer of a recipe from its first step, and what it was given. */
async function trainerOf(recipe: Recipe, runs: { feeds?: Record<string, TensorData>[]; step?: number } = {}) {
  const { model } = startingPoint(tinyRecipe({ config: recipe.config }), LABELS);
  const step = stepOfRecipe(recipe, startingPoint(recipe, LABELS).model.definition, LABELS.length);
  const bytes = lower(step.graph, { parametersAs: "inputs", target: "onnxruntime" });
  const session = await createSession(bytes, { state: stateOf(step) });
  const watched: typeof session = Object.assign(Object.create(session) as typeof session, {
    run: (feeds: Record<string, TensorData>, options: object) => {
      runs.feeds?.push(feeds);
      return session.run(feeds, options);
    },
    readState: (names: string[]) => session.readState!(names),
  });
  const trainer = new Trainer(
    {
      step,
      session: watched,
      optimizer: optimizerOf(recipe),
      schedule: scheduleOfRecipe(recipe, 32 / recipe.batch),
      emaDecay: recipe.ema_decay,
      accumulate: recipe.accumulate,
      seed: recipe.seed,
    },
    model.weights,
    initialState(step, model.weights),
    runs.step ?? 0,
  );
  return { trainer, step, model, [Symbol.asyncDispose]: () => session.dispose() };
}

async function firstBatch(recipe: Recipe): Promise<Batch> {
  const loader = trainingLoader(shapes(12), recipe, [worker()]);
  try {
    for await (const batch of loader.batches()) return batch;
    throw new Error("no batch");
  } finally {
    await loader.dispose();
  }
}

function half(batch: TrainingBatch, which: 0 | 1): TrainingBatch {
  const cut = ({ shape, data }: TensorData<"float32">) => {
    const size = data.length / 2;
    return tensor("float32", [shape[0]! / 2, ...shape.slice(1)], data.slice(which * size, (which + 1) * size));
  };
  return { images: cut(batch.images), targets: cut(batch.targets) };
}

function largestMove(a: TensorData, b: TensorData): number {
  const before = toFloat64(a);
  return toFloat64(b).reduce((most, value, i) => Math.max(most, Math.abs(value - before[i]!)), 0);
}

test("frozen parameters do not move, all others do", async () => {
  const recipe = tinyRecipe({ freeze: ["feat_extractor.*", "layers.0.*"], warmup_epochs: 0, optimizer: "lion" });
  await using setup = await trainerOf(recipe);
  const { trainer, model, step } = setup;
  const batch = await firstBatch(recipe);
  for (let i = 0; i < 3; i++) await trainer.run(batch);
  const after = trainer.parametersOf(await trainer.state(), "current");
  expect(after.size).toBe(model.weights.size);
  for (const [name, value] of model.weights) {
    const isFrozen = /^(feat_extractor|layers\.0)\./.test(name);
    expect(largestMove(value, after.get(name)!) === 0, name).toBe(isFrozen);
    expect(step.trained.includes(name), name).toBe(!isFrozen);
  }
});

test("two half batches are one whole batch, when nothing is random", async () => {
  const settings = { optimizer: "sgd", learning_rate: 0.1, warmup_epochs: 0, clip_norm: 0.5, ema_decay: 0.9 } as const;
  const whole = tinyRecipe(settings);
  const halves = tinyRecipe({ ...settings, batch: 4, accumulate: 2 });
  const batch = await firstBatch(whole);
  await using one = await trainerOf(whole);
  await using two = await trainerOf(halves);
  for (let update = 0; update < 3; update++) {
    await one.trainer.run(batch);
    const before = await two.trainer.state();
    await two.trainer.run(half(batch, 0));
    const between = await two.trainer.state();
    for (const { input, role } of two.step.state)
      if (role !== "accumulator") expect(largestMove(before.get(input)!, between.get(input)!), input).toBe(0);
    await two.trainer.run(half(batch, 1));
  }
  const expected = await one.trainer.state();
  const actual = await two.trainer.state();
  for (const [input, value] of expected) expect(largestMove(value, actual.get(input)!), input).toBeLessThan(1e-5);
  for (const { input, role } of two.step.state)
    if (role === "accumulator") expect(actual.get(input)!.data.every((value) => value === 0)).toBe(true);
});

test("the moving average follows: young ones quickly, old ones at their decay", async () => {
  const recipe = tinyRecipe({ ema_decay: 0.25, warmup_epochs: 0 });
  await using setup = await trainerOf(recipe);
  const { trainer, model } = setup;
  const batch = await firstBatch(recipe);
  const name = "layers.0.attn.qkv.weight";
  let average = toFloat64(model.weights.get(name)!);
  for (const decay of [2 / 11, 0.25, 0.25]) {
    await trainer.run(batch);
    const state = await trainer.state();
    const current = toFloat64(trainer.parametersOf(state, "current").get(name)!);
    average = average.map((value, i) => decay * value + (1 - decay) * current[i]!);
    const kept = toFloat64(trainer.parametersOf(state, "average").get(name)!);
    kept.forEach((value, i) => {
      expect(value).toBeCloseTo(average[i]!, 6);
    });
  }
});

test.each([
  ["logits", "logits", LABELS.length],
  ["features", "features", 32],
  ["features of another width", "features", 20],
] as const)("a step that learns from a teacher's %s as well", async (_, kind, width) => {
  const recipe = tinyRecipe({ learning_rate: 0.01, warmup_epochs: 0 });
  const { model } = startingPoint(recipe, LABELS);
  const step = buildTrainStep({
    model: model.definition,
    batch: recipe.batch,
    height: recipe.height,
    width: recipe.width,
    classes: LABELS.length,
    optimizer: optimizerOf(recipe),
    groups: { weightDecay: 0 },
    loss: "cross_entropy",
    // The teacher alone: what is learnt can come from nowhere else.
    distillation: { kind, weight: 1, temperature: 2, width },
    ema: false,
  });
  const bytes = lower(step.graph, { parametersAs: "inputs", target: "onnxruntime" });
  const session = await createSession(bytes, { state: stateOf(step) });
  try {
    const schedule = scheduleOfRecipe({ ...recipe, epochs: 100 }, 4);
    const options = { step, session, optimizer: optimizerOf(recipe), schedule, emaDecay: 0, accumulate: 1, seed: 0 };
    // What maps the student's features to the teacher's is trained, and is not the model's.
    const auxiliary = step.state.filter(({ role }) => role === "auxiliary").map(({ parameter }) => parameter);
    expect(auxiliary).toEqual(width === 20 ? ["distillation.projection.weight", "distillation.projection.bias"] : []);
    const first = new Map([...model.weights, ...initialWeights(step.graph, 0, auxiliary)]);
    const trainer = new Trainer(options, model.weights, initialState(step, first));
    const batch = await firstBatch(recipe);
    // It says the same of every picture: a student can follow.
    const opinion = Float32Array.from({ length: recipe.batch * width }, (_, i) => Math.cos(i % width));
    const taught = { ...batch, teacher: tensor("float32", [recipe.batch, width], opinion) };
    const losses: number[] = [];
    for (let i = 0; i < 25; i++) losses.push((await trainer.run(taught)).loss);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
    const trained = trainer.parametersOf(await trainer.state(), "current");
    expect([...trained.keys()].toSorted()).toEqual([...model.weights.keys()].toSorted());
  } finally {
    await session.dispose();
  }
});

test("drop-path masks depend on the seed and the step, and on nothing else", async () => {
  const recipe = tinyRecipe({ ...EVERYTHING, config: { ...(EVERYTHING.config as object), drop_path_rate: 0.5 } });
  const batch = await firstBatch(recipe);
  const masksAt = async (changes: Partial<Recipe>, step: number, before: number) => {
    const feeds: Record<string, TensorData>[] = [];
    await using setup = await trainerOf({ ...recipe, ...changes }, { feeds, step: step - before });
    for (let i = 0; i <= before; i++) await setup.trainer.run(batch);
    const masks = Object.entries(feeds.at(-1)!).filter(([name]) => name.startsWith("drop_path."));
    expect(masks).toHaveLength(setup.step.masks.length);
    return masks.map(([name, { data }]) => `${name}: ${[...data].join()}`);
  };
  const expected = await masksAt({}, 3, 0);
  expect(new Set(expected.map((mask) => mask.split(": ")[1])).size).toBeGreaterThan(1);
  expect(await masksAt({}, 3, 2)).toEqual(expected);
  expect(await masksAt({ learning_rate: 1e-4, label_smoothing: 0.3 }, 3, 0)).toEqual(expected);
  expect(await masksAt({}, 4, 0)).not.toEqual(expected);
  expect(await masksAt({ seed: 99 }, 3, 0)).not.toEqual(expected);
});

test("a picture that is not a number is named", async () => {
  const recipe = tinyRecipe();
  await using setup = await trainerOf(recipe);
  const batch = await firstBatch(recipe);
  batch.images.data.fill(Number.NaN, 3 * 3 * 32 * 32, 4 * 3 * 32 * 32);
  const failed = setup.trainer.run(batch);
  await expect(failed).rejects.toThrow(DivergedError);
  await expect(failed).rejects.toMatchObject({
    code: "diverged",
    message: `step 1: the images of ${batch.names[3]} have values that are not finite`,
    data: { step: 1, tensor: "images", picture: batch.names[3] },
  });
});

test("a rate of a million ends with the loss or the tensor that gave way", async () => {
  const recipe = tinyRecipe({ learning_rate: 100, warmup_epochs: 0, optimizer: "sgd", weight_decay: 0 });
  await using setup = await trainerOf({ ...recipe, learning_rate: 1e6 });
  const batch = await firstBatch(recipe);
  const failed = (async () => {
    for (let i = 0; i < 50; i++) await setup.trainer.run(batch);
  })();
  await expect(failed).rejects.toThrow(DivergedError);
  await expect(failed).rejects.toThrow(
    /^step \d+: (the loss is (NaN|-?Infinity)|the gradient of [\w.]+ is not finite)/,
  );
});

test("early answers have their share of the loss, and learn from it", async () => {
  const config = { ...TINY_CONFIG, exit_layers: [0, 1] };
  const batch = await firstBatch(tinyRecipe());
  const lossAt = async (exitWeight: number) => {
    const recipe = tinyRecipe({ config, exit_weight: exitWeight, warmup_epochs: 0 });
    await using setup = await trainerOf(recipe);
    const { trainer, model } = setup;
    const { loss } = await trainer.run(batch);
    const after = trainer.parametersOf(await trainer.state(), "current");
    return { loss, moved: largestMove(model.weights.get("exits.0.proj.weight")!, after.get("exits.0.proj.weight")!) };
  };
  const [none, some, all] = [await lossAt(0), await lossAt(0.3), await lossAt(1)];
  expect(some.loss).toBeCloseTo(0.7 * none.loss + 0.3 * all.loss, 4);
  expect(all.loss).not.toBeCloseTo(none.loss, 3);
  // What has no gradient decays a little; what has one moves by the rate.
  expect(none.moved).toBeLessThan(1e-4);
  expect(some.moved).toBeGreaterThan(1e-3);
});

test("a step's memory is known before it runs: more for larger batches, and for what an optimiser keeps", () => {
  const memory = (changes: Parameters<typeof tinyRecipe>[0]) => {
    const recipe = tinyRecipe(changes);
    return stepMemory(stepOfRecipe(recipe, startingPoint(recipe, LABELS).model.definition, LABELS.length));
  };
  const [small, large] = [memory({ batch: 8 }), memory({ batch: 64 })];
  expect(large).toBeGreaterThan(4 * small);
  expect(large).toBeLessThan(8 * small);
  // AdamW keeps two numbers a parameter, Lion one, and each stays twice: now and next.
  const { model } = startingPoint(tinyRecipe(), LABELS);
  const parameters = [...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  expect(small - memory({ batch: 8, optimizer: "lion" })).toBeCloseTo(2.6 * 2 * 4 * parameters, -1);
});
