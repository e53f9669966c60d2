// Training Uni-AdaFocus end to end from labels, in small. Its gradients by finite differences are in the slow suite.
import { expect, test } from "vitest";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { uniAdafocusRecipes } from "../../src/recipes/uni-adafocus.ts";
import { sgd } from "../../src/train/optimizers/sgd.ts";
import { parseRecipe } from "../../src/train/recipe.ts";
import { objectiveOf } from "../../src/train/recipe-objective.ts";
import { startingPoint } from "../../src/train/start.ts";
import { buildTrainStep } from "../../src/train/step.ts";
import { initialState, stateOf, Trainer } from "../../src/train/trainer.ts";
import { focusingObjective } from "../../src/train/uni-adafocus/objective.ts";
import { maxDifference } from "../golden-case.ts";
import { BATCH, CLASSES, FRAMES, image, model, objectiveGraph, SIZE, targets, weights } from "./focusing-toy.ts";

test("draws: thresholds, places and who is left out", () => {
  const { draws } = objectiveGraph();
  expect(draws).toEqual([
    { name: "thresholds", shape: [BATCH, 2], distribution: "uniform" },
    { name: "places", shape: [BATCH, 2], distribution: "uniform" },
    { name: "left_out", shape: [1, BATCH, 3, 6], distribution: "uniform" },
  ]);
});

test("a recipe for this architecture has this objective, whether it says so or not; for another it is refused", () => {
  const fields = {
    name: "focusing",
    architecture: "uni_adafocus",
    height: SIZE,
    width: SIZE,
    augmentation: `resize(${SIZE},${SIZE})`,
    transform: `resize(${SIZE},${SIZE})`,
    epochs: 1,
    batch: BATCH,
    learning_rate: 0.1,
  };
  const drawsOf = (focusing?: Record<string, number>) => {
    const recipe = parseRecipe({ ...fields, ...(focusing === undefined ? {} : { focusing }) });
    return objectiveGraph({}, objectiveOf(recipe, model)).draws.at(-1)!.shape;
  };
  expect(drawsOf()).toEqual([1, BATCH, 128, 6]);
  expect(drawsOf({ frame_draws: 5 })).toEqual([1, BATCH, 5, 6]);
  const recipe = parseRecipe({ ...fields, focusing: {} });
  expect(() => objectiveOf(recipe, defineModel("resnet18"))).toThrow(/for the architecture uni_adafocus, .* is resnet/);
});

test("begins with a network of pictures: the glance's or the focus's, and all else fresh", () => {
  const { architecture: _, ...fields } = uniAdafocusRecipes[0]!;
  const recipe = parseRecipe({
    ...fields,
    architecture: "uni_adafocus",
    clip: { frames: FRAMES },
    config: model.config,
  });
  for (const [name, changes, part] of [
    ["resnet50", { layers: [1, 1], channels: [4, 4], stem_channels: 4 }, "local_CNN"],
    ["mobilenetv2_100", { channel_multiplier: 0.1 }, "global_CNN"],
  ] as const) {
    const network = defineModel(name, changes);
    const given = nativeModel(network, initialWeights(inferenceGraph(network), 9), { name });
    const { model: start, fresh } = startingPoint(recipe, ["a", "b", "c"], given);
    expect(start.card.clip?.frames).toBe(FRAMES);
    const taken = [...start.weights.keys()].filter((parameter) => !fresh.includes(parameter));
    expect(taken.every((parameter) => parameter.startsWith(`${part}.base_model.`))).toBe(true);
    // All but its last layer, which no part has.
    expect(taken.length).toBe(given.weights.size - 2);
  }
});

test("trained end to end from labels: the loss falls, in every part", async () => {
  const optimizer = sgd();
  const step = buildTrainStep({
    model,
    batch: BATCH,
    frames: FRAMES,
    height: SIZE,
    width: SIZE,
    classes: CLASSES,
    optimizer,
    groups: { weightDecay: 0 },
    loss: "cross_entropy",
    objective: focusingObjective({ largeCropWeight: 0.5, frameDraws: 3 }),
    clipNorm: 5,
    ema: false,
  });
  const session = await nodeHost.createSession(lower(step.graph, { parametersAs: "inputs", target: "onnxruntime" }), {
    device: "cpu",
    state: stateOf(step),
  });
  try {
    const schedule = { baseRate: 0.02, warmupRate: 0, minimumRate: 0.02, warmupSteps: 0, totalSteps: 100 };
    const trainer = new Trainer(
      { step, session, optimizer, schedule, emaDecay: 0, accumulate: 1, seed: 1 },
      weights,
      initialState(step, weights),
    );
    const losses: number[] = [];
    for (let i = 0; i < 12; i++) losses.push((await trainer.run({ images: image, targets })).loss);
    const [first, last] = [losses[0]!, losses.at(-1)!];
    expect(last).toBeLessThan(0.6 * first);
    const trained = trainer.parametersOf(await trainer.state(), "current");
    for (const part of ["global_CNN.base_model.conv_stem", "local_CNN.base_model.conv1", "temporal_policy.Tconv.6"])
      expect(maxDifference(trained.get(`${part}.weight`), weights.get(`${part}.weight`)!), part).toBeGreaterThan(1e-4);
  } finally {
    await session.dispose();
  }
});
