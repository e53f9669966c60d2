// Dense detectors learn one batch by heart: RetinaNet, FCOS, SEPC and BVR, through the compiled step.
import { expect, test } from "vitest";
import { inferenceGraph, initialWeights } from "../../../models/graph.ts";
import { defineModel } from "../../../models/registry.ts";
import { nodeHost } from "../../../platform/node/host.ts";
import { tensor } from "../../../tensor.ts";
import { lowerStep } from "../../host-work.ts";
import { optimizerOf, parseRecipe } from "../../recipe.ts";
import { scheduleOfRecipe, stepOfRecipe } from "../../recipe-step.ts";
import { initialState, stateOf, Trainer } from "../../trainer.ts";

const SIZE = 64;
const [BATCH, MOST, CLASSES, STEPS] = [2, 3, 3, 24];
const head = { feat_channels: 16, stacked_convs: 1, norm_groups: 4 };
const bare = { ...head, stacked_convs: 0 };
const DETECTORS = {
  RetinaNet: { head },
  FCOS: { head: { ...head, type: "FCOSHead", center_sampling: true } },
  SEPC: { head: bare, sepc: { Pconv_num: 1, iBN: true, padding: 1, pconv_deform: true, lcconv_deform: true } },
  BVR: {
    head,
    bvr: {
      feat_channels: 16,
      stacked_convs: 1,
      norm_groups: 4,
      cross_level_topk: 8,
      num_attn_heads: 2,
      base_size: [20, 20],
    },
  },
};

test.each(Object.entries(DETECTORS))("%s", async (name, fields) => {
  const definition = defineModel("single_stage", {
    ...{ num_classes: CLASSES, img_size: SIZE, backbone: "resnet18", neck: { out_channels: 16, num_outs: 3 } },
    backbone_config: { layers: [1, 1, 1, 1], channels: [8, 16, 16, 24], stem_channels: 8 },
    ...fields,
  });
  const recipe = parseRecipe({
    ...{ name, architecture: "single_stage", config: definition.config, height: SIZE, width: SIZE },
    ...{
      transform: `resize(${SIZE},${SIZE})|normalize(imagenet)`,
      augmentation: `resize(${SIZE},${SIZE})|normalize(imagenet)`,
    },
    ...{ seed: 0, epochs: 1, batch: BATCH, learning_rate: 5e-3, minimum_rate: 5e-3, annotations: { most: MOST } },
  });
  const step = stepOfRecipe(recipe, definition, CLASSES);
  const weights = initialWeights(inferenceGraph(definition), 0);
  await using session = await nodeHost.createSession(lowerStep(step, "onnxruntime"), { state: stateOf(step) });
  const options = { step, session, optimizer: optimizerOf(recipe), schedule: scheduleOfRecipe(recipe, STEPS) };
  const trainer = new Trainer(
    { ...options, emaDecay: 0, accumulate: 1, seed: 0 },
    weights,
    initialState(step, weights),
  );
  const pixels = Float32Array.from(
    { length: BATCH * 3 * SIZE * SIZE },
    (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011),
  );
  const boxes = [0.3, 0.4, 0.4, 0.3, 0.7, 0.6, 0.3, 0.5, 0.5, 0.5, 1, 1];
  const batch = {
    images: tensor("float32", [BATCH, 3, SIZE, SIZE], pixels),
    targets: tensor("float32", [BATCH, CLASSES], new Float32Array(BATCH * CLASSES)),
    annotations: {
      classes: tensor("int64", [BATCH, MOST], BigInt64Array.from([0n, 2n, 0n, 1n, 0n, 0n])),
      boxes: tensor("float32", [BATCH, MOST, 4], Float32Array.from([...boxes, ...boxes])),
      count: tensor("int64", [BATCH], BigInt64Array.from([2n, 0n])),
    },
  };
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push((await trainer.run(batch)).loss);
  expect(losses.at(-1)!, losses.join(" ")).toBeLessThan(losses[0]! / 2);
});
