// How good a model's features are for classes that it was not made for: four garments from a few pictures of each.
//
//   npx tsx bench/garments.ts [--data FOLDER] [--models saccade/photographs,MODEL.onnx] [--draws 5] [--out bench/results/garments.json]
//
// FOLDER has clothing/{train,validation,test}, a folder a class. Class means are of ten pictures of each garment, the linear layer (logistic
// regression) learns from 60; both are measured on all pictures of the four garments in validation and test. Features have length 1.
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { predictions } from "../src/learn/cross-validation.ts";
import { type FeatureMatrix, featureMatrix, selectRows } from "../src/learn/feature-matrix.ts";
import { decisions, fitHead, type HeadName } from "../src/learn/heads.ts";
import { Embedder } from "../src/node.ts";
import { RandomSource } from "../src/random.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: resolve(import.meta.dirname, "../../shared/data") },
    models: { type: "string", default: "saccade/photographs" },
    draws: { type: "string", default: "5" },
    out: { type: "string" },
  },
});

const GARMENTS = ["dress", "pants", "shoes", "t-shirt"];

interface Labelled {
  readonly features: FeatureMatrix;
  readonly targets: Int32Array;
}

async function embedSplits(embedder: Embedder, splits: readonly string[]): Promise<Labelled> {
  const files = GARMENTS.flatMap((garment, target) =>
    splits.flatMap((split) => {
      const folder = join(flags.data, "clothing", split, garment);
      return readdirSync(folder).map((name) => ({ path: join(folder, name), target }));
    }),
  );
  const vectors = await embedder.embed(files.map(({ path }) => path));
  const width = vectors[0]!.length;
  const data = new Float32Array(files.length * width);
  vectors.forEach((vector, i) => {
    data.set(vector, i * width);
  });
  return {
    features: featureMatrix(files.length, width, data),
    targets: Int32Array.from(files, ({ target }) => target),
  };
}

/** Rows of so many pictures of each garment. */
function draw(targets: Int32Array, count: number, seed: number): Int32Array {
  const rows = new RandomSource(seed, "garments").shuffle([...targets.keys()]);
  return Int32Array.from(
    GARMENTS.flatMap((_, garment) => rows.filter((row) => targets[row] === garment).slice(0, count)),
  );
}

async function accuracies(head: HeadName, count: number, train: Labelled, measured: Labelled): Promise<number[]> {
  const shares: number[] = [];
  for (let seed = 1; seed <= Number(flags.draws); seed++) {
    const rows = draw(train.targets, count, seed);
    const targets = Int32Array.from(rows, (row) => train.targets[row]!);
    const fitted = await fitHead(head, selectRows(train.features, rows), targets, GARMENTS.length, { seed });
    const answers = predictions(decisions(fitted, measured.features), GARMENTS.length);
    shares.push(answers.filter((answer, row) => answer === measured.targets[row]).length / answers.length);
  }
  return shares;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const rows = [];
for (const model of flags.models.split(",")) {
  await using embedder = await Embedder.load(model);
  const train = await embedSplits(embedder, ["train"]);
  const measured = await embedSplits(embedder, ["validation", "test"]);
  const means = await accuracies("nearest-mean", 10, train, measured);
  const linear = await accuracies("logistic", 60, train, measured);
  rows.push({
    model: basename(model) === model ? model : model.startsWith("saccade/") ? model : basename(model),
    pictures: measured.targets.length,
    class_means_10: means,
    linear_60: linear,
  });
  console.log(`${model}: class means of ten ${percent(mean(means))}, linear layer from 60 ${percent(mean(linear))}`);
}
if (flags.out !== undefined)
  writeFileSync(flags.out, `${JSON.stringify({ garments: GARMENTS, rows }, undefined, 2)}\n`);
