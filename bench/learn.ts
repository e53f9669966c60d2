// How long heads take to fit to large sets of features, and how much memory that needs: 50,000 pictures of 100 classes, 1280 features each, made from a seed.
//
//   npx tsx bench/learn.ts [--rows 50000] [--width 1280] [--classes 100] [--heads logistic,svm,ridge] [--C 1] [--threads 2] [--out bench/results/learn.json]
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { accuracyOf } from "../src/learn/cross-validation.ts";
import { type FeatureMatrix, featureMatrix, selectRows } from "../src/learn/feature-matrix.ts";
import { decisions, fitHead, type HeadName } from "../src/learn/heads.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { engineProducts } from "../src/tasks/recognise/engine-products.ts";

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "50000" },
    width: { type: "string", default: "1280" },
    classes: { type: "string", default: "100" },
    heads: { type: "string", default: "logistic,svm,ridge" },
    C: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const [rows, width, classes, C, threads] = [flags.rows, flags.width, flags.classes, flags.C, flags.threads].map(
  Number,
) as [number, number, number, number, number];

/** Features that behave like a network's: not below zero, of very different variance, classes that overlap; rows of length about 1. */
function madeUp(): { features: FeatureMatrix; targets: Int32Array } {
  const random = new RandomSource(1, "features");
  const scale = Float64Array.from({ length: width }, (_, i) => 1 / Math.sqrt(1 + i / 20));
  const centres = Float32Array.from({ length: classes * width }, () => random.normal());
  const targets = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const length = Math.sqrt(scale.reduce((sum, value) => sum + value * value, 0));
  const data = new Float32Array(rows * width);
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < width; i++, at++)
      data[at] = (scale[i]! * Math.max(0, 0.5 * centres[targets[row]! * width + i]! + random.normal())) / length;
  return { features: featureMatrix(rows, width, data), targets };
}

const { features, targets } = madeUp();
const sample = Int32Array.from({ length: Math.min(rows, 1000) }, (_, i) => i);
const products = engineProducts(nodeHost, { device: "cpu", threads });
const results = [];
for (const head of flags.heads.split(",") as HeadName[]) {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const fitted = await fitHead(head, features, targets, classes, {
    C,
    alpha: 1 / C,
    shrinkage: 0.1,
    k: 5,
    seed: 0,
    products,
  });
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(before);
  const scores = decisions(fitted, selectRows(features, sample));
  const result = {
    head,
    seconds,
    processorSeconds: (used.user + used.system) / 1e6,
    // Of the whole process up to here, the features included.
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
    accuracyOnTraining: accuracyOf(scores, targets.subarray(0, sample.length), classes),
  };
  console.log(JSON.stringify(result));
  results.push(result);
}
if (flags.out !== undefined) {
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
  writeFileSync(flags.out, `${JSON.stringify({ machine, rows, width, classes, C, threads, results }, null, 2)}\n`);
}
