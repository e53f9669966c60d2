// Ridge regression of `learn` on the scattering coefficients of handwritten digits, and the same on their pixels: how many labelled digits it takes.
//
//   npx tsx bench/scattering-digits.ts [--counts 100,300,1000,3000] [--work FOLDER] [--threads 1] [--out FILE]
//
// Training digits are the first ones of each kind, evenly; accuracy is on the 2,004 of the test, which nothing is chosen by.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { accuracyOf } from "../src/learn/cross-validation.ts";
import { type FeatureMatrix, featureMatrix } from "../src/learn/feature-matrix.ts";
import { decisions, fitHead } from "../src/learn/heads.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { writeDigits } from "./digits-data.ts";

const { values: flags } = parseArgs({
  options: {
    counts: { type: "string", default: "100,300,1000,3000" },
    work: { type: "string", default: "runs/digits/data" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/scattering-digits.json") },
  },
});
const SIDE = 28;
const PLANE = SIDE * SIDE;
const CLASSES = 10;

interface Digits {
  readonly pictures: readonly Uint8Array[];
  readonly labels: Int32Array;
}

function readDigits(split: string): Digits {
  const pixels = readFileSync(join(flags.work, `${split}-images-idx3-ubyte`)).subarray(16);
  const labels = Int32Array.from(readFileSync(join(flags.work, `${split}-labels-idx1-ubyte`)).subarray(8));
  return { pictures: Array.from(labels, (_, i) => pixels.subarray(i * PLANE, (i + 1) * PLANE)), labels };
}

/** The first ones of each kind. */
function evenly({ pictures, labels }: Digits, count: number): Digits {
  const seen = new Array<number>(CLASSES).fill(0);
  const taken = [...labels.keys()].filter((i) => {
    const kind = labels[i]!;
    seen[kind] = seen[kind]! + 1;
    return seen[kind]! <= count / CLASSES;
  });
  return { pictures: taken.map((i) => pictures[i]!), labels: Int32Array.from(taken, (i) => labels[i]!) };
}

type Features = (pictures: readonly Uint8Array[]) => Promise<FeatureMatrix>;

const pixels: Features = async (pictures) =>
  featureMatrix(
    pictures.length,
    PLANE,
    Float64Array.from(
      { length: pictures.length * PLANE },
      (_, i) => pictures[Math.floor(i / PLANE)]![i % PLANE]! / 255,
    ),
  );

async function scattering(pictures: readonly Uint8Array[]): Promise<FeatureMatrix> {
  const host = { device: "cpu", threads: Number(flags.threads), sessions: 1, normalize: false } as const;
  await using embedder = await loadEmbedder(nodeHost, "scattering_digits", host);
  const raw = pictures.map((grey) => ({
    width: SIDE,
    height: SIDE,
    data: Uint8Array.from({ length: 3 * PLANE }, (_, i) => grey[Math.floor(i / 3)]!),
  }));
  const vectors = await embedder.embed(raw);
  const width = vectors[0]!.length;
  const rows = new Float64Array(vectors.length * width);
  for (const [i, vector] of vectors.entries()) rows.set(vector, i * width);
  return featureMatrix(vectors.length, width, rows);
}

writeDigits(flags.work);
const [training, test] = [readDigits("train"), readDigits("t10k")];
const rows = [];
for (const [name, features] of Object.entries({ pixels, scattering })) {
  const testFeatures = await features(test.pictures);
  for (const count of flags.counts.split(",").map(Number)) {
    const labelled = evenly(training, count);
    const trainFeatures = await features(labelled.pictures);
    const started = performance.now();
    const head = await fitHead("ridge", trainFeatures, labelled.labels, CLASSES, { seed: 0 });
    const accuracy = accuracyOf(decisions(head, testFeatures), test.labels, CLASSES);
    const fitSeconds = Math.round((performance.now() - started) / 100) / 10;
    rows.push({ features: name, width: trainFeatures.width, digits: count, accuracy, fitSeconds });
    console.log(JSON.stringify(rows.at(-1)));
  }
}
writeFileSync(flags.out, `${JSON.stringify({ test: test.labels.length, head: "ridge", results: rows }, null, 2)}\n`);
