// Classes that come two at a time: heads over kept statistics next to a head that is trained on the newest classes alone, and forgets.
//
//   saccade embed DATA/train --model M --no-normalize --output train.safetensors        (and DATA/validation likewise)
//   npx tsx bench/continual.ts --features NAME=TRAIN.safetensors,VALIDATION.safetensors [--features …] [--out bench/results/continual.json]
//
// The vectors' names end in CLASS/PICTURE. Fine-tuning is a softmax head of all classes by SGD over the same features: the backbone stays, so that
// it forgets less than training all of a model does.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { averageIncrementalAccuracy, ClassStatistics, type StreamedHead } from "../src/learn/class-statistics.ts";
import { predictions } from "../src/learn/cross-validation.ts";
import { type FeatureMatrix, featureMatrix, selectRows } from "../src/learn/feature-matrix.ts";
import { decisions, type LinearHead } from "../src/learn/heads.ts";
import { softmax } from "../src/learn/losses.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { inForm } from "../src/tasks/recognise/head-fit.ts";
import { toFloat64 } from "../src/tensor.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";

const { values: flags } = parseArgs({
  options: {
    features: { type: "string", multiple: true, default: [] },
    "a-task": { type: "string", default: "2" },
    epochs: { type: "string", default: "20" },
    out: { type: "string" },
  },
});
const [classesATask, epochs] = [Number(flags["a-task"]), Number(flags.epochs)];
/** For features of length 1. */
const [ALPHA, SHRINKAGE, RATE] = [1, 0.5, 2];

interface Labelled {
  readonly features: FeatureMatrix;
  readonly labels: readonly string[];
}

async function read(path: string): Promise<Labelled> {
  const { tensors, metadata } = readSafetensors(await nodeHost.files.read(path));
  const stored = tensors.get("embeddings")!;
  const [rows, width] = stored.shape as [number, number];
  const names = JSON.parse(metadata.names!) as string[];
  const features = inForm(featureMatrix(rows, width, toFloat64(stored)), { power: true, normalize: true });
  return { features, labels: names.map((name) => name.split("/").at(-2)!) };
}

const rowsOf = ({ features, labels }: Labelled, wanted: readonly string[]) =>
  selectRows(
    features,
    [...labels.keys()].filter((row) => wanted.includes(labels[row]!)),
  );
const targetsOf = ({ labels }: Labelled, wanted: readonly string[]) =>
  labels.filter((label) => wanted.includes(label)).map((label) => wanted.indexOf(label));

/** On pictures of the classes seen so far. */
function accuracy({ head, labels }: StreamedHead, validation: Labelled, seen: readonly string[]): number {
  const answers = predictions(decisions(head, rowsOf(validation, seen)), labels.length);
  const right = targetsOf(validation, seen).filter((target, row) => labels[answers[row]!] === seen[target]);
  return right.length / answers.length;
}

/** One epoch after another of SGD on single pictures; the head goes on from where it was. */
function train(head: LinearHead, { rows, width, data }: FeatureMatrix, targets: readonly number[], seed: number): void {
  const random = new RandomSource(seed, "order");
  const [scores, chances] = [new Float64Array(head.classes), new Float64Array(head.classes)];
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const row of random.shuffle(Int32Array.from({ length: rows }, (_, i) => i))) {
      for (let c = 0; c < head.classes; c++) {
        let sum = head.bias[c]!;
        for (let i = 0; i < width; i++) sum += head.weight[c * width + i]! * data[row * width + i]!;
        scores[c] = sum;
      }
      softmax(scores, chances, 0, head.classes);
      for (let c = 0; c < head.classes; c++) {
        const step = RATE * ((c === targets[row] ? 1 : 0) - chances[c]!);
        head.bias[c]! += step;
        for (let i = 0; i < width; i++) head.weight[c * width + i]! += step * data[row * width + i]!;
      }
    }
}

async function measure(name: string, training: Labelled, validation: Labelled) {
  const labels = [...new Set(training.labels)].sort();
  const { width } = training.features;
  const statistics = new ClassStatistics(width);
  const tuned: LinearHead = {
    ...{ kind: "linear", classes: labels.length, width },
    weight: new Float64Array(labels.length * width),
    bias: new Float64Array(labels.length),
  };
  const after: Record<string, number[]> = { "nearest-mean": [], lda: [], ridge: [], "fine-tuning": [] };
  for (let first = 0; first < labels.length; first += classesATask) {
    const task = labels.slice(first, first + classesATask);
    const seen = labels.slice(0, first + classesATask);
    for (const label of task) statistics.add(label, rowsOf(training, [label]));
    const targets = targetsOf(training, task).map((target) => first + target);
    train(tuned, rowsOf(training, task), targets, first);
    const heads: Record<string, StreamedHead> = {
      "nearest-mean": statistics.nearestMean(),
      lda: await statistics.lda(SHRINKAGE),
      ridge: await statistics.ridge(ALPHA),
      "fine-tuning": { labels, head: tuned },
    };
    for (const [which, head] of Object.entries(heads)) after[which]!.push(accuracy(head, validation, seen));
  }
  const results = Object.entries(after).map(([head, afterTasks]) => ({
    ...{ head, afterTasks },
    averageIncrementalAccuracy: averageIncrementalAccuracy(afterTasks),
  }));
  console.log(JSON.stringify({ name, results }));
  return { features: name, pictures: training.features.rows, validation: validation.features.rows, labels, results };
}

const all = [];
for (const given of flags.features) {
  const [name, paths] = given.split("=") as [string, string];
  const [training, validation] = (await Promise.all(paths.split(",").map(read))) as [Labelled, Labelled];
  all.push(await measure(name, training, validation));
}
if (flags.out !== undefined) {
  const settings = { classesATask, epochs, alpha: ALPHA, shrinkage: SHRINKAGE, rate: RATE };
  writeFileSync(flags.out, `${JSON.stringify({ settings, results: all }, null, 2)}\n`);
}
