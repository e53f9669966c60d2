// What DToP's exits cost in accuracy: the recipe dtop-scenes on painted scenes (bench/painted-scenes.ts), at 48 px. First a small segmenter that is trained with all of its tokens, then the
// same after the recipe's second stage, each at thresholds of certainty: mIoU of held-out scenes beside the products that the pictures really needed, and the processor's time of one at a
// time. A threshold is for both heads on the way, or one for each: with 1/0.9 nothing stops at the first.
//
//   npx tsx bench/painted-scenes.ts SCENES --annotations masks --classes colors --size 48 --count 3600 --held-out 1000
//   npx tsx bench/dtop-accuracy.ts --data SCENES [--thresholds 1,0.9,1/0.9] [--work FOLDER] [--threads 1] [--out FILE]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createLoader } from "../src/data/loader.ts";
import { createSampler } from "../src/data/sampler.ts";
import { openForEvaluation } from "../src/evaluate/dataset-split.ts";
import { SemanticMeter } from "../src/evaluate/dense/semantic.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { readModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { modelCost } from "../src/models/cost.ts";
import { changedModel, type ModelDefinition } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { RandomSource } from "../src/random.ts";
import { dtopScenes } from "../src/recipes/dtop-scenes.ts";
import { type TensorData, tensor, toFloat32, toFloat64 } from "../src/tensor.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { keptTraining } from "./kept-training.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: "runs/painted-masks" },
    work: { type: "string", default: "runs/dtop-accuracy" },
    thresholds: { type: "string", default: "1,0.999,0.99,0.95,0.9,0.8,1/0.99,1/0.95,1/0.9,1/0.8,1/0.7" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/dense/dtop-accuracy.json") },
  },
});
const threads = Number(flags.threads);
const SIZE = 48;

/** A stage of the recipe at the size of these scenes. */
function atSize(stage: RecipeInput, more: Partial<RecipeInput> = {}): RecipeInput {
  return {
    ...stage,
    config: { ...stage.config, img_size: SIZE },
    ...{ height: SIZE, width: SIZE },
    transform: `resize(${SIZE},${SIZE},bicubic)|normalize(imagenet)`,
    augmentation: `scale_jitter(${SIZE},0.9:1.1)|flip(0.5)|normalize(imagenet)`,
    annotations: { most: 8, semantic: { height: SIZE, width: SIZE } },
    validation: { pictures: 300 },
    ...more,
  };
}

const [plain, pruned] = dtopScenes.stages as [RecipeInput, RecipeInput];
const kept = { work: flags.work, data: flags.data, threads };
const base = await keptTraining(kept, atSize(plain, { epochs: 5 }));
const named = [
  ["base", base],
  ["pruned", await keptTraining(kept, atSize(pruned), base)],
] as const;
const { transform } = atSize(plain);
const { dataset } = await openForEvaluation(nodeTrainingHost.dataFiles, flags.data, { split: "validation" });
const classes = dataset.labels.length;

const scenes: { readonly image: TensorData; readonly targets: Float64Array }[] = [];
{
  await using loader = createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: 20, seed: 0, shuffle: false, last: "keep" }),
    augmentation: transform,
    annotations: { most: 1, semantic: { height: SIZE, width: SIZE } },
    workers: nodeTrainingHost.createDataWorkers(1),
  });
  const values = 3 * SIZE * SIZE;
  for await (const { images, annotations } of loader.batches({ untilEpoch: 1 }))
    for (let i = 0; i < images.shape[0]! && scenes.length < dataset.length; i++) {
      const pixels = (images.data as Float32Array).slice(i * values, (i + 1) * values);
      const own = annotations!.semantic!.data.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
      scenes.push({ image: tensor("float32", [1, 3, SIZE, SIZE], pixels), targets: Float64Array.from(own, Number) });
    }
}

/** Products of a picture by the shares of its tokens that are left: what layers do to tokens is of second degree in how many these are. */
function costOf(definition: ModelDefinition): (left: readonly number[]) => number {
  const at = (left: readonly number[]) =>
    modelCost(definition, { height: SIZE, width: SIZE, tokensLeft: [...left] }).macs / 1e6;
  const whole = at([1, 1]);
  const saved = [0, 1].map((head) => {
    const [half, quarter] = [0.5, 0.25].map((share) => whole - at(head === 0 ? [share, share] : [1, share]));
    return { half: half!, quarter: quarter! };
  });
  /** What is saved with a share gone: through nothing at none, and two points. */
  const curve = ({ half, quarter }: { readonly half: number; readonly quarter: number }, gone: number) => {
    const a = (quarter / 0.75 - half / 0.5) / 0.25;
    return (half / 0.5 - a * 0.5) * gone + a * gone * gone;
  };
  return ([first = 1, second = 1]) =>
    whole - (curve(saved[0]!, 1 - first) - curve(saved[1]!, 1 - first)) - curve(saved[1]!, 1 - second);
}

function miouOf(tables: Iterable<Float64Array>): number {
  const all = new Float64Array(classes * classes);
  for (const table of tables) for (let i = 0; i < all.length; i++) all[i]! += table[i]!;
  const overlaps = Array.from({ length: classes }, (_, c) => {
    let either = -all[c * classes + c]!;
    for (let other = 0; other < classes; other++) either += all[c * classes + other]! + all[other * classes + c]!;
    return all[c * classes + c]! / Math.max(1, either);
  });
  return overlaps.reduce((a, b) => a + b, 0) / classes;
}

interface Measured {
  readonly tables: readonly Float64Array[];
  readonly left: readonly (readonly number[])[];
  readonly mmacs: number;
  readonly processor: number;
}

type Threshold = number | number[];
const readThreshold = (text: string): Threshold => (text.includes("/") ? text.split("/").map(Number) : Number(text));

async function measure(folder: string, thresh: Threshold): Promise<Measured> {
  const model = await readModelFolder(nodeHost.files, folder);
  const definition = changedModel("dtop", model.definition.config, { thresh });
  const stops = thresh !== 1;
  const outputs = stops ? ["logits", "tokens_left"] : ["logits"];
  const bytes = exportOnnx(nativeModel(definition, model.weights, { name: "dtop" }), {
    ...{ target: "onnxruntime", outputs, size: { batch: 1 } },
  });
  await using session = await nodeHost.createSession(bytes, { device: "cpu", threads });
  const cost = costOf(changedModel("dtop", model.definition.config, { thresh: 0.5 }));
  const tables: Float64Array[] = [];
  const left: number[][] = [];
  let [mmacs, processor] = [0, 0];
  for (const { image, targets } of scenes) {
    const before = process.cpuUsage();
    const answer = await session.run({ image }, { outputs });
    const { user, system } = process.cpuUsage(before);
    processor += (user + system) / 1000;
    const scores = toFloat32(answer.logits!);
    const cells = SIZE * SIZE;
    const answers = Int32Array.from({ length: cells }, (_, at) => {
      let best = 0;
      for (let c = 1; c < classes; c++) if (scores[c * cells + at]! > scores[best * cells + at]!) best = c;
      return best;
    });
    const meter = new SemanticMeter(classes);
    meter.add(targets, answers);
    tables.push(meter.confusion);
    const shares = stops ? [...toFloat64(answer.tokens_left!)] : [1, 1];
    left.push(shares);
    mmacs += cost(shares) / scenes.length;
  }
  return { tables, left, mmacs, processor: processor / scenes.length };
}

/** Of the difference of two, over resampled scenes. */
function standardError(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  const random = new RandomSource(0, "resampling");
  const differences = Array.from({ length: 400 }, () => {
    const which = Array.from(a, () => random.integer(a.length));
    return miouOf(which.map((i) => a[i]!)) - miouOf(which.map((i) => b[i]!));
  });
  const mean = differences.reduce((x, y) => x + y, 0) / differences.length;
  return Math.sqrt(differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (differences.length - 1));
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));
const rows: object[] = [];
let dense: Measured | undefined;
for (const [name, folder] of named)
  for (const thresh of flags.thresholds.split(",").map(readThreshold)) {
    const measured = await measure(folder, thresh);
    dense ??= measured;
    const mean = (head: number) => measured.left.reduce((sum, shares) => sum + shares[head]!, 0) / scenes.length;
    rows.push({
      ...{ model: name, threshold: thresh },
      tokens_left: [round(mean(0), 3), round(mean(1), 3)],
      mmacs: round(measured.mmacs, 2),
      products: round(measured.mmacs / dense.mmacs, 3),
      miou: round(miouOf(measured.tables), 4),
      against_dense: round(miouOf(measured.tables) - miouOf(dense.tables), 4),
      standard_error: round(standardError(measured.tables, dense.tables), 4),
      processor_milliseconds: round(measured.processor, 2),
    });
    console.log(JSON.stringify(rows.at(-1)));
  }
const data = `bench/painted-scenes.ts --annotations masks: ${scenes.length} held-out scenes of ${SIZE} px`;
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify({ data, threads, rows }, undefined, 1)}\n`);
