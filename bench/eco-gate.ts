// What ECO-M2F's gate is worth: a small Mask2Former learns at all of its exits on painted scenes (bench/painted-scenes.ts), gates learn on top of it for several prices of an encoder
// layer, and on held-out scenes their choices stand beside the fixed exits: panoptic quality, by the segmenter's inference and the evaluation's count, against what it costs. Between two
// fixed exits stands what one gets at the same cost by throwing dice. What is stopped goes on where it was.
//
//   npx tsx bench/painted-scenes.ts SCENES --classes colors --size 48 --count 3600 --held-out 1000
//   npx tsx bench/eco-gate.ts --data SCENES [--betas 0.002,0.005,0.01,0.02] [--work FOLDER] [--threads 1] [--out FILE]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createLoader } from "../src/data/loader.ts";
import { createSampler } from "../src/data/sampler.ts";
import { openForEvaluation } from "../src/evaluate/dataset-split.ts";
import { PanopticMeter } from "../src/evaluate/dense/panoptic-quality.ts";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { readModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { FIRST_EXIT, type Mask2formerConfig } from "../src/models/mask2former/config.ts";
import { changedModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { nodeTrainingHost as host } from "../src/platform/node/training-host.ts";
import { RandomSource } from "../src/random.ts";
import { GatedSession } from "../src/runtime/gated-session.ts";
import { panopticInference } from "../src/tasks/segment/panoptic-inference.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { evaluateDense } from "../src/workflows/evaluate-dense.ts";
import { keptTraining } from "./kept-training.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: "runs/painted" },
    betas: { type: "string", default: "0.002,0.005,0.01,0.02" },
    targets: { type: "string", default: "soft" },
    epochs: { type: "string", default: "4" },
    "gate-epochs": { type: "string", default: "2" },
    work: { type: "string", default: "runs/eco-gate" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/dense/eco-gate.json") },
  },
});
const threads = Number(flags.threads);
const SIZE = 48;
const MOST = 8;
/** The ground, class 3, is stuff. */
const THINGS = [0, 1, 2];

const ALL_EXITS: RecipeInput = {
  name: "eco-a",
  architecture: "mask2former",
  config: {
    ...{ img_size: SIZE, gate: true, things: THINGS },
    // Cells of the backbone see nothing beside themselves: what is around them is for the encoder to say, so that its depth matters on pictures as small as these.
    backbone: { embed_dim: 16, depths: [1, 1, 1, 1], num_heads: [1, 2, 4, 8], window_size: 1, drop_path_rate: 0 },
    ...{ conv_dim: 64, mask_dim: 32, nheads: 4, points: 4, encoder_layers: 6, encoder_ffn: 64 },
    ...{ num_queries: 9, decoder_layers: 1, decoder_ffn: 64 },
  },
  ...{ height: SIZE, width: SIZE },
  augmentation: `scale_jitter(${SIZE},0.9:1.1)|flip(0.5)|normalize(imagenet)`,
  transform: `resize(${SIZE},${SIZE},bilinear)|normalize(imagenet)`,
  annotations: { most: MOST, masks: { height: 12, width: 12 } },
  validation: { pictures: 200, kind: "panoptic" },
  ...{ epochs: Number(flags.epochs), batch: 8, seed: 1 },
  ...{ learning_rate: 1e-3, minimum_rate: 4e-6, warmup_epochs: 0.3, weight_decay: 0.05, clip_norm: 1 },
};

const gateAlone = (beta: number, target: "soft" | "best"): RecipeInput => ({
  ...ALL_EXITS,
  name: `eco-gate-${target}-${beta}`,
  gating: { beta, target },
  augmentation: `resize(${SIZE},${SIZE},bilinear)|flip(0.5)|normalize(imagenet)`,
  annotations: { most: MOST, masks: { height: SIZE, width: SIZE } },
  validation: { pictures: 20, kind: "panoptic" },
  ...{ epochs: Number(flags["gate-epochs"]), batch: 20, seed: 1 },
  ...{ learning_rate: 5e-3, minimum_rate: 5e-4, warmup_epochs: 0, weight_decay: 0, ema_decay: 0.98 },
});

const kept = { work: flags.work, data: flags.data, threads };
const base = await keptTraining(kept, ALL_EXITS);
const model = await readModelFolder(host.files, base);
const { config } = model.definition;
const { encoder_layers } = config as Mask2formerConfig;
const exits = Array.from({ length: encoder_layers - FIRST_EXIT + 1 }, (_, i) => FIRST_EXIT + i);
const { dataset } = await openForEvaluation(host.dataFiles, flags.data, { split: "validation" });
const classes = dataset.labels.length;
const BATCH = 20;

/** Every held-out scene once. */
function held() {
  return createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: BATCH, seed: 0, shuffle: false, last: "keep" }),
    augmentation: ALL_EXITS.transform,
    annotations: { most: MOST, masks: { height: SIZE, width: SIZE } },
    workers: host.createDataWorkers(1),
  });
}

const session = (of: typeof model, outputs: readonly string[]) =>
  nodeHost.createSession(exportOnnx(of, { target: "onnxruntime", outputs }), { device: "cpu", threads });
const row = ({ data, shape }: TensorData, i: number) => {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  return (data as Float32Array).subarray(i * size, (i + 1) * size);
};

/** Of a picture: for every class the sum of overlaps, and how many segments are right, wrong, missed. */
type Counts = Float64Array;
const FIELDS = ["iou", "right", "wrong", "missed"] as const;

async function countsAt(exit: number): Promise<Counts[]> {
  const fixed = changedModel("mask2former", config, { exit });
  const weights = fixed.architecture.adoptWeights(model.weights, fixed.config);
  await using running = await session(nativeModel(fixed, weights, { name: `exit ${exit}` }), [
    "class_logits",
    "mask_logits",
  ]);
  await using loader = held();
  const counts: Counts[] = [];
  for await (const { images, annotations } of loader.batches({ untilEpoch: 1 })) {
    const { class_logits, mask_logits } = await running.run({ image: images });
    const [, maps, height, width] = mask_logits!.shape as [number, number, number, number];
    for (let i = 0; i < images.shape[0]! && counts.length < dataset.length; i++) {
      const view = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
      const masks = { data: row(mask_logits!, i), ...{ maps, height, width, view } };
      const found = await panopticInference(
        { classLogits: row(class_logits!, i), masks, classes },
        { width: SIZE, height: SIZE },
        { isThing: (index) => THINGS.includes(index) },
      );
      const things = Number(annotations!.count.data[i]);
      const there = annotations!.masks!.data.subarray(i * MOST * SIZE * SIZE, (i + 1) * MOST * SIZE * SIZE);
      const ids = new Int32Array(SIZE * SIZE);
      for (let at = 0; at < things * SIZE * SIZE; at++)
        if (there[at] === 1) ids[at % ids.length] = 1 + Math.floor(at / ids.length);
      const categories = Array.from({ length: things }, (_, t) => Number(annotations!.classes.data[i * MOST + t]));
      const meter = new PanopticMeter(Array.from({ length: classes }, (_, index) => THINGS.includes(index)));
      meter.add(
        { ids, segments: categories.map((category, t) => ({ id: t + 1, category })) },
        { ids: found.ids, segments: found.segments.map(({ id, index }) => ({ id, category: index })) },
      );
      counts.push(Float64Array.from(meter.result().categories.flatMap((one) => FIELDS.map((field) => one[field]))));
    }
  }
  return counts;
}

/** Panoptic quality of many pictures: the mean over classes. @param which pictures, with their exits' counts */
function quality(which: Iterable<Counts>): number {
  const sums = new Float64Array(classes * FIELDS.length);
  for (const counts of which) for (let i = 0; i < sums.length; i++) sums[i]! += counts[i]!;
  const perClass = Array.from({ length: classes }, (_, c) => {
    const [iou, right, wrong, missed] = sums.subarray(c * 4, c * 4 + 4) as unknown as [number, number, number, number];
    return iou / Math.max(1e-9, right + (wrong + missed) / 2);
  });
  return perClass.reduce((a, b) => a + b, 0) / classes;
}

/** The same for one picture, classes together, as the gate's training has it. */
function ownQuality(counts: Counts): number {
  const sum = (field: number) =>
    Array.from({ length: classes }, (_, c) => counts[c * 4 + field]!).reduce((a, b) => a + b, 0);
  return sum(0) / Math.max(1e-9, sum(1) + (sum(2) + sum(3)) / 2);
}

const byExit = await Promise.all(exits.map(async (exit) => await countsAt(exit)));
const pictures = byExit[0]!.length;

// What an exit costs: products by stages, and the processor's time of single pictures, exits in turns.
const { steps, files, macs } = exportStages(model, { target: "onnxruntime", kind: "gated" });
const gated = new GatedSession(steps, await nodeHost.createStagedSession(files, { device: "cpu", threads }));
const random = new RandomSource(0, "picture");
const image = tensor(
  "float32",
  [1, 3, SIZE, SIZE],
  Float32Array.from({ length: 3 * SIZE * SIZE }, () => random.normal()),
);
const ROUNDS = 40;
const times = exits.map((): number[] => []);
for (let round = -3; round < ROUNDS; round++)
  for (const exit of exits.keys()) {
    const { user, system } = process.cpuUsage();
    await gated.runOne({ image }, { exit, outputs: ["class_logits", "mask_logits"] });
    const used = process.cpuUsage();
    if (round >= 0) times[exit]!.push((used.user + used.system - user - system) / 1000);
  }
await gated.dispose();
const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
const costs = exits.map((_, exit) => [...macs.slice(0, 1 + exit), macs.at(-1)!].reduce((a, b) => a + b, 0) / 1e6);
const round = (value: number, digits = 4) => Number(value.toFixed(digits));

const fixed = exits.map((layers, i) => ({
  encoder_layers: layers,
  pq: round(quality(byExit[i]!)),
  mean_picture_pq: round(byExit[i]!.reduce((sum, counts) => sum + ownQuality(counts), 0) / pictures),
  mmacs: round(costs[i]!, 2),
  processor_milliseconds: round(median(times[i]!), 2),
}));

/** What fixed exits give at a cost, between two of them in proportion. */
function fixedAt(cost: number, qualities: readonly number[]): number {
  const after = costs.findIndex((own) => own >= cost - 1e-9);
  if (after <= 0) return qualities[after]!;
  const share = (cost - costs[after - 1]!) / (costs[after]! - costs[after - 1]!);
  return qualities[after - 1]! + share * (qualities[after]! - qualities[after - 1]!);
}

const RESAMPLES = 1000;
/** Compares a choice of exits with fixed ones at the same mean cost. */
function compared(choice: readonly number[]) {
  const measure = (which: Int32Array) => {
    let cost = 0;
    for (const i of which) cost += costs[choice[i]!]!;
    cost /= which.length;
    const pq = quality(Array.from(which, (i) => byExit[choice[i]!]![i]!));
    const best = byExit.map((counts) => quality(Array.from(which, (i) => counts[i]!)));
    return { pq, cost, gain: pq - fixedAt(cost, best) };
  };
  const all = measure(Int32Array.from({ length: pictures }, (_, i) => i));
  const draw = new RandomSource(0, "resampling");
  const gains = Array.from(
    { length: RESAMPLES },
    () => measure(Int32Array.from({ length: pictures }, () => draw.integer(pictures))).gain,
  );
  const mean = gains.reduce((a, b) => a + b, 0) / RESAMPLES;
  const error = Math.sqrt(gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (RESAMPLES - 1));
  const layers = choice.reduce((sum, exit) => sum + exits[exit]!, 0) / pictures;
  return {
    shares: exits.map((_, exit) => round(choice.filter((one) => one === exit).length / pictures, 3)),
    mean_layers: round(layers, 3),
    mmacs: round(all.cost, 2),
    processor_milliseconds: round(choice.reduce((sum, exit) => sum + median(times[exit]!), 0) / pictures, 2),
    pq: round(all.pq),
    fixed_pq_at_equal_cost: round(all.pq - all.gain),
    gain: round(all.gain),
    gain_standard_error: round(error),
  };
}

const gates: object[] = [];
for (const target of flags.targets.split(",") as ("soft" | "best")[])
  for (const beta of flags.betas.split(",").filter(Boolean).map(Number)) {
    const folder = await keptTraining(kept, gateAlone(beta, target), base);
    const own = await readModelFolder(host.files, folder);
    await using running = await session(own, ["exit"]);
    await using loader = held();
    const choice: number[] = [];
    for await (const { images } of loader.batches({ untilEpoch: 1 })) {
      const { exit } = await running.run({ image: images });
      choice.push(...toFloat64(exit!));
    }
    choice.length = pictures;
    const worth = (i: number, exit: number) => ownQuality(byExit[exit]![i]!) - beta * (exit + 1);
    const utility = (of: (i: number) => number) =>
      round(Array.from({ length: pictures }, (_, i) => worth(i, of(i))).reduce((a, b) => a + b, 0) / pictures);
    const ideal = Array.from({ length: pictures }, (_, i) =>
      exits.reduce((best, _, exit) => (worth(i, exit) > worth(i, best) ? exit : best), 0),
    );
    const measured = await evaluateDense(host, folder, flags.data, { kind: "panoptic", threads, device: "cpu" });
    gates.push({
      ...{ beta, target },
      ...compared(choice),
      utility: utility((i) => choice[i]!),
      fixed_utilities: exits.map((_, exit) => utility(() => exit)),
      segmenter_pq: round(measured.panoptic!.all.pq ?? 0),
      // With the best exit of each picture: what a gate could gain at most.
      ideal: compared(ideal),
    });
    console.log(JSON.stringify(gates.at(-1)));
  }
const result = {
  data: `bench/painted-scenes.ts: ${pictures} held-out scenes of ${SIZE} px`,
  epochs: ALL_EXITS.epochs,
  gate_epochs: Number(flags["gate-epochs"]),
  threads,
  fixed,
  gates,
};
console.log(JSON.stringify(fixed));
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify(result, undefined, 1)}\n`);
