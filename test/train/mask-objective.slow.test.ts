// A toy of Mask2Former learns the masks of things by matching them, at all places and at points, and one with a gate learns all of its exits.
import { expect, test } from "vitest";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { type TensorData, tensor } from "../../src/tensor.ts";
import { DETECTION_DEFAULTS, type Detection } from "../../src/train/annotated-fields.ts";
import { gateObjective } from "../../src/train/detection/gate-objective.ts";
import { maskObjective } from "../../src/train/detection/mask-objective.ts";
import { lowerReads, lowerStep } from "../../src/train/host-work.ts";
import type { Objective } from "../../src/train/objective.ts";
import { adamW } from "../../src/train/optimizers/adamw.ts";
import { buildTrainStep } from "../../src/train/step.ts";
import { initialState, stateOf, Trainer } from "../../src/train/trainer.ts";

const SIDE = 32;
const CELLS = SIDE / 4;
const CONFIG = {
  img_size: SIDE,
  num_classes: 2,
  things: [0, 1],
  backbone: { embed_dim: 8, depths: [1, 1, 1, 1], num_heads: [1, 1, 2, 2], window_size: 4, drop_path_rate: 0 },
  ...{ conv_dim: 32, mask_dim: 16, nheads: 4, points: 2, encoder_layers: 3, encoder_ffn: 32 },
  ...{ num_queries: 4, decoder_layers: 2, decoder_ffn: 32 },
};

/** Two pictures: a bright square of class 0 at the left, a dark one of class 1 at the right, and in the second both. */
function batchOf() {
  const images = new Float32Array(2 * 3 * SIDE * SIDE);
  const masks = new Uint8Array(2 * 2 * CELLS * CELLS);
  const put = (picture: number, thing: number, left: number, value: number) => {
    for (let y = 8; y < 24; y++)
      for (let x = left; x < left + 12; x++) {
        for (let c = 0; c < 3; c++) images[((picture * 3 + c) * SIDE + y) * SIDE + x] = value;
        masks[((picture * 2 + thing) * CELLS + (y >> 2)) * CELLS + (x >> 2)] = 1;
      }
  };
  put(0, 0, 0, 2);
  put(1, 0, 0, 2);
  put(1, 1, 20, -2);
  return {
    images: tensor("float32", [2, 3, SIDE, SIDE], images),
    targets: tensor("float32", [2, 2], new Float32Array(4)), // nobody asks for them
    annotations: {
      classes: tensor("int64", [2, 2], BigInt64Array.of(0n, 0n, 0n, 1n)),
      boxes: tensor("float32", [2, 2, 4], new Float32Array(16).fill(0.5)),
      count: tensor("int64", [2], BigInt64Array.of(1n, 2n)),
      masks: tensor("uint8", [2, 2, CELLS, CELLS], masks),
    },
  };
}

const learning = (detection: Partial<Detection>) => maskObjective({ ...DETECTION_DEFAULTS, ...detection });

async function lossesOf(changes: Readonly<Record<string, unknown>>, objective: Objective, steps: number) {
  const model = defineModel("mask2former", { ...CONFIG, ...changes });
  const optimizer = adamW();
  const step = buildTrainStep({
    ...{ model, optimizer, batch: 2, height: SIDE, width: SIDE, classes: 2, loss: "cross_entropy", ema: false },
    groups: { weightDecay: 0 },
    annotations: { most: 2, masks: { height: CELLS, width: CELLS } },
    objective,
  });
  const weights: Map<string, TensorData> = initialWeights(inferenceGraph(model), 0);
  await using session = await nodeHost.createSession(lowerStep(step, "onnxruntime"), {
    ...{ device: "cpu", threads: 1, state: stateOf(step) },
  });
  const reads = lowerReads(step, "onnxruntime");
  const reader = reads === undefined ? {} : { reader: await session.openReader!(reads) };
  const schedule = { baseRate: 2e-3, warmupRate: 2e-3, minimumRate: 2e-3, warmupSteps: 0, totalSteps: steps };
  const trainer = new Trainer(
    { ...{ step, session, ...reader, optimizer, emaDecay: 0, accumulate: 1, seed: 7 }, schedule },
    weights,
    initialState(step, weights),
  );
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await trainer.run(batchOf())).loss);
  return { losses, weights, state: await trainer.state() };
}

test("masks and classes are learnt together", async () => {
  const { losses } = await lossesOf({}, learning({}), 40);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(losses.at(-1)! / losses[0]!).toBeLessThan(0.6);
});

test("with a gate every exit learns, at points that are drawn; the gate itself stays as it is", async () => {
  const { losses, weights, state } = await lossesOf({ gate: true }, learning({ points: 24 }), 20);
  expect(losses.slice(-3).reduce((a, b) => a + b) / losses.slice(0, 3).reduce((a, b) => a + b)).toBeLessThan(0.8);
  const gate = "sem_seg_head.pixel_decoder.transformer.encoder.gt.head.weight";
  expect(weights.has(gate)).toBe(true);
  expect(state.has(gate)).toBe(false); // no part of what is trained
  const layer = "sem_seg_head.pixel_decoder.transformer.encoder.layers.2.linear1.weight";
  expect(state.get(layer)!.data).not.toEqual(weights.get(layer)!.data);
});

test.each(["soft", "best"] as const)(
  "the gate alone learns that layers which gain nothing cost something (%s)",
  async (target) => {
    const objective = gateObjective({ beta: 0.5, target, threshold: 0.8 });
    const { losses, weights, state } = await lossesOf({ gate: true }, objective, 60);
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
    const gate = "sem_seg_head.pixel_decoder.transformer.encoder.gt.head";
    expect([...state.keys()].filter((name) => weights.has(name)).sort()).toEqual([`${gate}.bias`, `${gate}.weight`]);
    const bias = [...(state.get(`${gate}.bias`)!.data as Float32Array)];
    const before = [...(weights.get(`${gate}.bias`)!.data as Float32Array)];
    expect(bias[0]! - before[0]!).toBeGreaterThan(0); // the earliest exit
    expect(bias[1]! - before[1]!).toBeLessThan(0);
  },
);
