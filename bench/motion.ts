// What seeing frames together is worth where the class is only in time: a video SparseFormer and GFNet over TSM on clips of `saccade motion`, and a model of
// pictures whose answers for all frames are averaged. Accuracy, with early answers, against multiply-accumulates and milliseconds of one clip.
//
//   npx tsx bench/motion.ts --data clips --sparseformer runs/motion/best --frames runs/motion-frames/best [--tsm runs/motion-tsm/best] \
//     [--gfnet runs/motion-gfnet] [--threads 1] [--rounds 5] [--out bench/results/motion.json] [--plots docs/images]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { createLoader } from "../src/data/loader.ts";
import { openDataset } from "../src/data/open.ts";
import { createSampler } from "../src/data/sampler.ts";
import { type AccuracySeries, drawAccuracy } from "../src/evaluate/bench/plots/accuracy.ts";
import { readModelFolder } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph, stageGraphs } from "../src/models/graph.ts";
import { pictureInput } from "../src/models/picture-input.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { createDataWorkers } from "../src/platform/node/data-workers.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { shareInterval } from "../src/statistics.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    sparseformer: { type: "string" },
    frames: { type: "string" },
    tsm: { type: "string" },
    gfnet: { type: "string" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "5" },
    out: { type: "string", default: "bench/results/motion.json" },
    plots: { type: "string", default: "docs/images" },
  },
});
const { data, sparseformer, frames, tsm, gfnet } = flags;
if (data === undefined || sparseformer === undefined || frames === undefined)
  throw new Error("--data, --sparseformer and --frames are needed; see the head of this file");
const FRAMES = 8;
const BATCH = 16;
const session = { device: "cpu", threads: Number(flags.threads) } as const;
const { validation } = await openDataset(nodeDataFiles, data, { kind: "clips" });
if (validation === undefined) throw new Error(`${data} has no validation clips`);

/** One way of answering. */
interface Row {
  readonly model: string;
  /** "glance", "look 2", "unit 1", "all". */
  readonly answer: string;
  readonly top1: number;
  readonly top1_interval: readonly [number, number];
  readonly macs: number | null;
  /** The fastest tenth of all rounds, one clip at a time. */
  readonly ms: number | null;
  readonly clips: number;
}

/** Logits of every clip by output, and its label. */
async function answersOf(
  { definition, weights, card }: NativeModel,
  outputs: readonly string[],
  perFrame: boolean,
  graph = inferenceGraph(definition),
) {
  const engine = await nodeHost.createSession(lower(graph, { parameters: weights, outputs }), session);
  const loader = createLoader({
    dataset: validation!,
    sampler: createSampler(validation!, { batchSize: BATCH, seed: 0, shuffle: false, last: "keep" }),
    augmentation: card.transform!,
    clip: {
      frames: FRAMES,
      secondsBetweenFrames: perFrame ? undefined : card.clip?.secondsBetweenFrames,
      picking: "regular",
      hasTime: true,
    },
    workers: createDataWorkers(1),
    unreadable: "blank",
  });
  const rows = new Map(outputs.map((name) => [name, [] as Float32Array[]]));
  const labels: number[] = [];
  try {
    for await (const batch of loader.batches({ untilEpoch: 1 })) {
      const image = perFrame ? framesApart(batch.images) : batch.images;
      const result = await engine.run({ image }, { outputs });
      for (const name of outputs) {
        const { shape } = result[name]!;
        const all = toFloat32(result[name]!);
        // Of a model that looks several times, (looks, clips, classes): the last look.
        const values = shape.length === 3 ? all.subarray(all.length - shape[1]! * shape[2]!) : all;
        const classes = values.length / image.shape[0]!;
        for (let row = 0; row < batch.labels.length; row++) {
          const each = perFrame ? FRAMES : 1;
          rows
            .get(name)!
            .push(meanProbabilities(values.subarray(row * each * classes, (row + 1) * each * classes), classes));
        }
      }
      labels.push(...batch.labels);
    }
    const ms = await clipMs(engine, outputs, definition, perFrame, card.transform!);
    return { rows, labels, ms };
  } finally {
    await loader.dispose();
    await engine.dispose();
  }
}

/** (N, 3, T, h, w) -> (N T, 3, h, w) */
function framesApart(images: TensorData<"float32">): TensorData<"float32"> {
  const [n, , t, h, w] = images.shape as [number, number, number, number, number];
  const out = new Float32Array(images.data.length);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 3; c++)
      for (let f = 0; f < t; f++) {
        const from = ((i * 3 + c) * t + f) * h * w;
        out.set(images.data.subarray(from, from + h * w), ((i * t + f) * 3 + c) * h * w);
      }
  return tensor("float32", [n * t, 3, h, w], out);
}

/** logits (rows, classes) -> the mean of the rows' probabilities */
function meanProbabilities(logits: Float32Array, classes: number): Float32Array {
  const mean = new Float32Array(classes);
  const rows = logits.length / classes;
  for (let row = 0; row < rows; row++) {
    const values = logits.subarray(row * classes, (row + 1) * classes);
    const most = Math.max(...values);
    const powers = Float64Array.from(values, (value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    for (const [i, power] of powers.entries()) mean[i]! += power / sum / rows;
  }
  return mean;
}

const argMax = (row: Float32Array) => row.indexOf(Math.max(...row));

type Engine = Awaited<ReturnType<typeof nodeHost.createSession>>;

/** Of one clip: the fastest tenth's slowest, which is what it takes when nothing else wants the core. */
async function clipMs(
  engine: Engine,
  outputs: readonly string[],
  definition: NativeModel["definition"],
  perFrame: boolean,
  transform: string,
): Promise<number> {
  const side = Number(/resize\((\d+)/.exec(transform)?.[1] ?? pictureInput(definition).usual.width);
  const shape = perFrame ? [FRAMES, 3, side, side] : [1, 3, FRAMES, side, side];
  const image = tensor("float32", shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(0.1));
  const times: number[] = [];
  for (let i = 0; i < 10 * Number(flags.rounds); i++) {
    const start = performance.now();
    await engine.run({ image }, { outputs });
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 10)]!;
}

function row(
  model: string,
  answer: string,
  rows: readonly Float32Array[],
  labels: readonly number[],
  cost: Pick<Row, "macs" | "ms">,
): Row {
  const right = rows.filter((each, i) => argMax(each) === labels[i]).length;
  const { low, high } = shareInterval(right, rows.length);
  return { model, answer, top1: right / rows.length, top1_interval: [low, high], clips: rows.length, ...cost };
}

/** Stopping where the likeliest class has this probability: accuracy and mean cost of a few thresholds. */
function stopping(steps: readonly (readonly Float32Array[])[], costs: readonly number[], labels: readonly number[]) {
  return [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99].map((threshold) => {
    let [right, cost] = [0, 0];
    for (const [i, label] of labels.entries()) {
      const at = steps.findIndex((rows, step) => step === steps.length - 1 || Math.max(...rows[i]!) >= threshold);
      if (argMax(steps[at]![i]!) === label) right += 1;
      cost += costs[at]!;
    }
    return { threshold, top1: right / labels.length, cost: cost / labels.length };
  });
}

const rows: Row[] = [];
const early: Record<string, unknown> = {};
const curves: AccuracySeries[] = [];
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** @param steps the rows of each answer, in order */
function report(
  name: string,
  measured: readonly Row[],
  steps: readonly (readonly Float32Array[])[],
  labels: readonly number[],
): void {
  rows.push(...measured);
  const costs = measured.map(({ ms }) => ms!);
  if (steps.length > 1) early[name] = stopping(steps, costs, labels).map(({ cost: ms, ...rest }) => ({ ...rest, ms }));
  const points = measured.map(({ top1, answer }, i) => ({
    x: costs[i]!,
    accuracy: top1,
    title: `${name}, ${answer}: ${percent(top1)}`,
  }));
  curves.push({ label: name, points });
}

async function measure(
  name: string,
  folder: string,
  answers: Readonly<Record<string, string>>,
  perFrame = false,
): Promise<void> {
  const model = await readModelFolder(nodeHost.files, folder);
  const side = Number(/resize\((\d+)/.exec(model.card.transform!)![1]);
  const size = { height: side, width: side };
  const cost =
    modelCost(model.definition, perFrame ? size : { ...size, frames: FRAMES }).macs * (perFrame ? FRAMES : 1);
  const outputs = Object.values(answers);
  const found = await answersOf(model, outputs, perFrame);
  const measured: Row[] = [];
  for (const [answer, output] of Object.entries(answers)) {
    const isLast = output === outputs.at(-1);
    // The time of an earlier answer is that of a graph that ends there.
    const alone = isLast ? found : outputs.length === 1 ? found : await answersOf(model, [output], perFrame);
    const macs = isLast ? cost : null;
    measured.push(row(name, answer, found.rows.get(output)!, found.labels, { macs, ms: alone.ms }));
  }
  const steps = outputs.map((output) => found.rows.get(output)!);
  report(name, measured, steps, found.labels);
}

/** Glance and focus: all looks of one graph, and the time of graphs that end earlier. */
async function measureLooks(name: string, folder: string): Promise<void> {
  const model = await readModelFolder(nodeHost.files, join(folder, "best"));
  const { definition } = model;
  const config = definition.config as { readonly T: number; readonly image_size: number };
  const size = { height: config.image_size, width: config.image_size, frames: FRAMES };
  const steps: Float32Array[][] = [];
  const measured: Row[] = [];
  let labels: readonly number[] = [];
  for (let looks = 1; looks <= config.T; looks++) {
    // A glance alone is no model: it is the first stage.
    const fewer = looks === 1 ? definition : { ...definition, config: { ...config, T: looks } };
    const graph = looks === 1 ? stageGraphs(definition)!.graphs.get("glance")! : inferenceGraph(fewer);
    const found = await answersOf({ ...model, definition: fewer }, ["logits"], false, graph);
    labels = found.labels;
    const last = found.rows.get("logits")!;
    steps.push(last);
    const macs = looks === 1 ? null : modelCost(fewer, size).macs;
    measured.push(row(name, looks === 1 ? "glance" : `look ${looks}`, last, labels, { macs, ms: found.ms }));
  }
  report(name, measured, steps, labels);
}

await measure("video SparseFormer", sparseformer, {
  "after unit 1": "exit.0.logits",
  "after unit 2": "exit.1.logits",
  all: "logits",
});
await measure("SparseFormer, frames averaged", frames, { all: "logits" }, true);
if (tsm !== undefined) await measure("TSM", tsm, { all: "logits" });
if (gfnet !== undefined) await measureLooks("GFNet over TSM", gfnet);

const result = {
  data,
  classes: validation.labels.length,
  chance: 1 / validation.labels.length,
  frames: FRAMES,
  threads: session.threads,
  machine: describeMachine(),
  rows,
  early_exit: early,
};
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify(result, undefined, 2)}\n`);
for (const { model, answer, top1, ms, macs } of rows)
  console.log(
    `${model}, ${answer}: ${percent(top1)}, ${ms?.toFixed(2)} ms${macs === null ? "" : `, ${(macs / 1e6).toFixed(0)} MMACs`}`,
  );
const plot = drawAccuracy({
  title: "Clips whose class is only in time",
  xTitle: `milliseconds a clip of ${FRAMES} frames, ${session.threads} thread${session.threads === 1 ? "" : "s"}`,
  note: `${rows[0]!.clips} held-out clips of ${validation.labels.length} classes; chance is ${percent(1 / validation.labels.length)}`,
  series: curves,
});
writeFileSync(join(flags.plots, "motion-accuracy.svg"), plot);
