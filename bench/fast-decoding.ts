// What decoding only as large as the model needs costs: every picture through the model twice, decoded exactly and fast. Pictures are enlarged
// to the sizes of photographs, with grain, and stored as JPEG, because then both ways of decoding differ. Right or wrong is told by the nearest
// class mean of scores, over training pictures decoded exactly: so a model need not know the classes.
//
//   npx tsx bench/fast-decoding.ts [--data FOLDER] [--models a,b] [--sets photos,clothing] [--side 3000] [--limit 500] [--training 1200] [--out bench/results/fast-decoding.json]
//
// FOLDER has photos/{train,val} and clothing/{train,validation,test}, a folder a class.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import type { Decoding } from "../src/image/raw-image.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { decodePicture } from "../src/platform/node/view-workers.ts";
import { RandomSource } from "../src/random.ts";
import { bootstrapMeans, meanOf } from "../src/statistics.ts";
import { type Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";

const DATA = resolve(import.meta.dirname, "../../shared/data");
const MOBILENET = resolve(DATA, "../models/mobilenet_v2_imagenet.onnx");
const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: DATA },
    models: { type: "string", default: `saccade/everyday,${MOBILENET}` },
    sets: { type: "string", default: "photos,clothing" },
    side: { type: "string", default: "3000" },
    limit: { type: "string", default: "500" },
    training: { type: "string", default: "1200" },
    out: { type: "string" },
  },
});
const TRANSFORMS: Readonly<Record<string, string>> = {
  [MOBILENET]: "resize_small(256,bilinear)|central_crop(224)|value_range(-1,1)",
};
const TRAINING: Readonly<Record<string, string>> = { photos: "photos/train", clothing: "clothing/train" };
const TESTING: Readonly<Record<string, readonly string[]>> = {
  photos: ["photos/val"],
  clothing: ["clothing/validation", "clothing/test"],
};

interface Labelled {
  readonly path: string;
  readonly label: string;
}

function labelled(folders: readonly string[], limit: number): Labelled[] {
  const all = folders.flatMap((folder) =>
    readdirSync(join(flags.data, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name: label }) =>
        readdirSync(join(flags.data, folder, label)).map((file) => ({
          path: join(flags.data, folder, label, file),
          label,
        })),
      ),
  );
  const step = Math.max(1, all.length / limit);
  return Array.from({ length: Math.min(limit, all.length) }, (_, i) => all[Math.floor(i * step)]!);
}

/** Grain of a small sensor: sums of noise, the same at every run. */
const GRAIN = (() => {
  const random = new RandomSource(1);
  return Int8Array.from({ length: 1 << 16 }, () => 7 * (random.uniform() + random.uniform() + random.uniform() - 1.5));
})();

/** A picture as a camera would have stored it with so many pixels on the shorter side. */
async function enlarged(path: string, side: number): Promise<Uint8Array> {
  const { data, info } = await sharp(readFileSync(path))
    .resize(side, side, { fit: "outside", kernel: "lanczos3" })
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i++) data[i] = Math.min(255, Math.max(0, data[i]! + GRAIN[(i * 40503) & 0xffff]!));
  const { width, height } = info;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

interface Seen {
  readonly pixels: Uint8Array;
  readonly scores: Float32Array;
}

async function see(classifier: Classifier, bytes: Uint8Array, decode: Decoding): Promise<Seen> {
  const task = classifier.scoreTask();
  const view = task.view(await decodePicture(bytes, { ...task.decoding, decode }));
  const pixels = view[0].pixels.data.slice(); // a run may take them
  const [answer] = await task.run([{ source: undefined, view }]);
  if (answer === undefined || !("scores" in answer)) throw new Error("no answer");
  return { pixels, scores: unit(answer.scores) };
}

/** Scores around their mean, with length 1. */
function unit(scores: Float32Array): Float32Array {
  const mean = meanOf(Float64Array.from(scores));
  const length = Math.hypot(...scores.map((score) => score - mean));
  return scores.map((score) => (score - mean) / length);
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((best, value, i, all) => (value > all[best]! ? i : best), 0);

/** Class names, and the mean of their scores. */
async function classMeans(classifier: Classifier, set: string): Promise<Map<string, Float64Array>> {
  const means = new Map<string, Float64Array>();
  for (const { path, label } of labelled([TRAINING[set]!], Number(flags.training))) {
    const { scores } = await see(classifier, readFileSync(path), "exact");
    const sum = means.get(label) ?? new Float64Array(scores.length);
    means.set(label, sum);
    scores.forEach((score, i) => {
      sum[i]! += score;
    });
  }
  for (const sum of means.values()) {
    const length = Math.hypot(...sum);
    sum.forEach((value, i) => {
      sum[i] = value / length;
    });
  }
  return means;
}

function nearest(means: ReadonlyMap<string, Float64Array>, scores: Float32Array): string {
  const [labels, likeness] = [
    [...means.keys()],
    [...means.values()].map((mean) => mean.reduce((sum, value, i) => sum + value * scores[i]!, 0)),
  ];
  return labels[largest(likeness)]!;
}

async function compare(model: string, set: string) {
  const transform = TRANSFORMS[model];
  await using classifier = await loadClassifier(nodeHost, model, {
    threads: 1,
    ...(transform === undefined ? {} : { transform }),
  });
  const means = await classMeans(classifier, set);
  const rows: { mean: number; most: number; same: boolean; sameClass: boolean; exact: boolean; fast: boolean }[] = [];
  for (const { path, label } of labelled(TESTING[set]!, Number(flags.limit))) {
    const bytes = await enlarged(path, Number(flags.side));
    const exact = await see(classifier, bytes, "exact");
    const fast = await see(classifier, bytes, "fast");
    const apart = exact.pixels.map((value, i) => Math.abs(value - fast.pixels[i]!));
    const [a, b] = [nearest(means, exact.scores), nearest(means, fast.scores)];
    rows.push({
      mean: meanOf(Float64Array.from(apart)),
      most: apart.reduce((most, one) => Math.max(most, one), 0),
      same: largest(exact.scores) === largest(fast.scores),
      sameClass: a === b,
      exact: a === label,
      fast: b === label,
    });
  }
  const percent = (test: (row: (typeof rows)[number]) => boolean) =>
    rounded(100 * meanOf(Float64Array.from(rows, (row) => Number(test(row)))));
  const lost = Float64Array.from(rows, ({ exact, fast }) => 100 * (Number(exact) - Number(fast)));
  const [interval] = bootstrapMeans([lost], new RandomSource(0));
  return {
    model: model.replace(/^.*\/([^/]+)\.onnx$/, "$1"),
    set,
    side: Number(flags.side),
    pictures: rows.length,
    pixels_mean: rounded(meanOf(Float64Array.from(rows, ({ mean }) => mean))),
    pixels_most: rows.reduce((most, row) => Math.max(most, row.most), 0),
    same_first_answer: percent(({ same }) => same),
    same_class: percent(({ sameClass }) => sameClass),
    accuracy_exact: percent(({ exact }) => exact),
    accuracy_fast: percent(({ fast }) => fast),
    points_lost: rounded(meanOf(lost)),
    interval,
  };
}

type Row = Awaited<ReturnType<typeof compare>>;

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Into a file that may have other rows already. */
function record(path: string, row: Row): void {
  const earlier: Row[] = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).rows : [];
  const key = ({ model, set, side }: Row) => `${model} ${set} ${side}`;
  const rows = [...earlier.filter((one) => key(one) !== key(row)), row];
  writeFileSync(path, `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), rows }, undefined, 2)}\n`);
}

for (const set of flags.sets.split(","))
  for (const model of flags.models.split(",")) {
    const row = await compare(model, set);
    console.log(JSON.stringify(row));
    if (flags.out !== undefined) record(flags.out, row);
  }
