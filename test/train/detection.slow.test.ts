// Models that answer with sets learn through the step that all models learn by: matched on the host, the loss of one batch falls.
import { expect, test } from "vitest";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel, withClasses } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { elementCount, tensor } from "../../src/tensor.ts";
import { lowerReads, lowerStep } from "../../src/train/host-work.ts";
import { optimizerOf, parseRecipe } from "../../src/train/recipe.ts";
import { stepOfRecipe } from "../../src/train/recipe-step.ts";
import { initialState, stateOf, Trainer } from "../../src/train/trainer.ts";
import { hashedValues } from "../golden-case.ts";
import { toyOf } from "../registry-toys.ts";

const [N, T, CLASSES] = [2, 4, 5];
const MASKS = { height: 16, width: 24 };

/** Two pictures with three things and one. */
function batchOf(height: number, width: number) {
  const shape = [N, 3, height, width];
  const boxes = Float32Array.from(
    { length: N * T * 4 },
    (_, i) => [0.3, 0.4, 0.25, 0.3][i % 4]! + 0.05 * (Math.floor(i / 4) % T),
  );
  const masks = Uint8Array.from({ length: N * T * MASKS.height * MASKS.width }, (_, i) => {
    const [x, y] = [i % MASKS.width, Math.floor(i / MASKS.width) % MASKS.height];
    const thing = Math.floor(i / MASKS.width / MASKS.height) % T;
    return x > 3 * thing && x < 3 * thing + 8 && y > 4 && y < 12 ? 1 : 0;
  });
  return {
    images: tensor("float32", shape, hashedValues("picture", elementCount(shape), 1, 0, 0)),
    targets: tensor("float32", [N, 0], new Float32Array(0)),
    annotations: {
      classes: tensor(
        "int64",
        [N, T],
        BigInt64Array.from({ length: N * T }, (_, i) => BigInt(i % 3)),
      ),
      boxes: tensor("float32", [N, T, 4], boxes),
      count: tensor("int64", [N], BigInt64Array.of(3n, 1n)),
      masks: tensor("uint8", [N, T, MASKS.height, MASKS.width], masks),
    },
  };
}

test.each([
  ["plain_detr_swinv2_small_mim_boxrpb", {}],
  ["plain_detr_swinv2_small_mim_boxrpb_reparam", {}],
  ["mask2former_swin_tiny_coco_panoptic", {}],
  ["mask2former_swin_tiny_coco_panoptic", { points: 64 }],
])("%s %o", async (name, detection) => {
  const { config, height = 0, width = 0 } = toyOf(name);
  const definition = withClasses(defineModel(name, config), CLASSES);
  const recipe = parseRecipe({
    ...{ name: "toy", architecture: name, height, width, epochs: 1, batch: N, learning_rate: 2e-3, clip_norm: 1 },
    ...{ augmentation: `resize(${width},${height})`, transform: `resize(${width},${height})` },
    annotations: { most: T, masks: MASKS },
    detection,
  });
  const step = stepOfRecipe(recipe, definition, CLASSES);
  const weights = initialWeights(inferenceGraph(definition), 1);
  await using session = await nodeHost.createSession(lowerStep(step, "onnxruntime"), {
    ...{ device: "cpu", threads: 1, state: stateOf(step) },
  });
  const reader = await session.openReader!(lowerReads(step, "onnxruntime")!);
  const trainer = new Trainer(
    {
      ...{ step, session, reader, optimizer: optimizerOf(recipe), emaDecay: 0, accumulate: 1, seed: 1 },
      schedule: { baseRate: 2e-3, warmupRate: 2e-3, minimumRate: 2e-3, warmupSteps: 0, totalSteps: 40 },
    },
    weights,
    initialState(step, weights),
  );
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) losses.push((await trainer.run(batchOf(height, width))).loss);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
});
