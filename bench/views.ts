// What several views of a picture cost and gain: photographs as they are, and panoramas in which one of them lies anywhere or at an end,
// beside a plain ground of its own colour or beside other photographs. Right or wrong is told by the model's own answer where it knows the class, and by the nearest mean of
// a class's embeddings (of training pictures, in the model's usual view) where it does not.
//
//   npx tsx bench/views.ts [--data FOLDER] [--sets "photos,3:1 plain,3:1 plain end"] [--limit 300] [--training 1200] [--out bench/results/views.json]
//
// FOLDER has photos/{train,val} and clothing/{train,validation}, a folder a class, and pool, photographs without labels.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import type { RawImage } from "../src/image/raw-image.ts";
import { VIEWS, type Views } from "../src/image/views.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { bootstrapMeans, meanOf } from "../src/statistics.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import type { Prediction } from "../src/tasks/classify/results.ts";
import { type Embedder, loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { type Answered, allAnswers } from "../src/tasks/engine/picture-stream.ts";

const DATA = resolve(import.meta.dirname, "../../shared/data");
const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: DATA },
    sets: {
      type: "string",
      default: "photos,clothing,2:1 plain,2:1 photos,2:1 plain end,3:1 plain,3:1 photos,3:1 plain end",
    },
    limit: { type: "string", default: "300" },
    training: { type: "string", default: "1200" },
    out: { type: "string" },
  },
});
const EVERYDAY = "saccade/everyday";
const MOBILENET = resolve(DATA, "../models/mobilenet_v2_imagenet.onnx");
const TRANSFORM = "resize_small(256,bilinear)|central_crop(224)|value_range(-1,1)";
/** Pixels of a panorama's height, which is what the photographs have on their shorter side. */
const HEIGHT = 160;

interface Labelled {
  readonly picture: RawImage;
  readonly label: string;
}

async function read(path: string, width?: number, height?: number): Promise<RawImage> {
  const picture = sharp(readFileSync(path)).toColourspace("srgb").removeAlpha();
  const sized = height === undefined ? picture : picture.resize({ width, height, fit: "cover" });
  const { data, info } = await sized.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** Spread over the classes. */
function paths(folder: string, limit: number, classes?: ReadonlySet<string>): { path: string; label: string }[] {
  const all = readdirSync(join(flags.data, folder))
    .filter((label) => classes === undefined || classes.has(label))
    .flatMap((label) =>
      readdirSync(join(flags.data, folder, label)).map((file) => ({
        path: join(flags.data, folder, label, file),
        label,
      })),
    );
  const step = Math.max(1, all.length / limit);
  return Array.from({ length: Math.min(limit, all.length) }, (_, i) => all[Math.floor(i * step)]!);
}

/** A photograph somewhere in a picture `aspect` times as wide as high, whose rest is the mean colour of its edge, or other photographs. */
async function panorama(
  path: string,
  aspect: number,
  { ground, isAtEnd }: { readonly ground: string; readonly isAtEnd: boolean },
  random: RandomSource,
): Promise<RawImage> {
  const object = await read(path, undefined, HEIGHT);
  const width = Math.max(object.width, aspect * HEIGHT);
  const places = width - object.width;
  const start = isAtEnd ? places * Math.round(random.uniform()) : Math.floor(random.uniform() * (places + 1));
  const data = new Uint8Array(3 * width * HEIGHT);
  const picture = { width, height: HEIGHT, data };
  if (ground === "plain") fill(picture, edgeColor(object));
  else {
    const pool = readdirSync(join(flags.data, "pool"));
    const other = async () =>
      read(join(flags.data, "pool", pool[Math.floor(random.uniform() * pool.length)]!), HEIGHT, HEIGHT);
    for (let x = start + object.width; x < width; x += HEIGHT) lay(await other(), picture, x);
    for (let x = start - HEIGHT; x > -HEIGHT; x -= HEIGHT) lay(await other(), picture, x);
  }
  lay(object, picture, start);
  return picture;
}

function lay(from: RawImage, onto: RawImage, x: number): void {
  const [left, right] = [Math.max(0, x), Math.min(onto.width, x + from.width)];
  for (let row = 0; row < onto.height; row++) {
    const source = 3 * (row * from.width + left - x);
    const part = from.data.subarray(source, source + 3 * (right - left));
    onto.data.set(part, 3 * (row * onto.width + left));
  }
}

function fill({ data }: RawImage, color: readonly number[]): void {
  for (let i = 0; i < data.length; i++) data[i] = color[i % 3]!;
}

/** The mean of the leftmost and rightmost columns. */
function edgeColor({ width, height, data }: RawImage): number[] {
  return [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let row = 0; row < height; row++)
      sum += data[3 * row * width + channel]! + data[3 * (row * width + width - 1) + channel]!;
    return sum / (2 * height);
  });
}

async function pictures(set: string, classes?: ReadonlySet<string>): Promise<Labelled[]> {
  const [shape, ground = "", place] = set.split(" ");
  const layout = { ground, isAtEnd: place === "end" };
  const aspect = shape!.includes(":") ? Number(shape!.split(":")[0]) : undefined;
  const folder = set === "clothing" ? "clothing/validation" : "photos/val";
  const random = new RandomSource(0, `bench/views/${set}`);
  const all: Labelled[] = [];
  for (const { path, label } of paths(folder, Number(flags.limit), classes))
    all.push({
      label,
      picture: aspect === undefined ? await read(path) : await panorama(path, aspect, layout, random),
    });
  return all;
}

interface Judged {
  /** How many classes were thought likelier than the right one. */
  readonly ranks: readonly number[];
  /** Processor time of all pictures. */
  readonly milliseconds: number;
}

type Judge = (views: Views, pictures: readonly Labelled[]) => Promise<Judged>;

/** What it took, and not the loading of the model. */
async function timed<A>(stream: AsyncIterable<Answered<unknown, A>>): Promise<{ answers: A[]; milliseconds: number }> {
  const before = process.cpuUsage();
  const answers = await allAnswers(stream);
  const { user, system } = process.cpuUsage(before);
  return { answers, milliseconds: (user + system) / 1000 };
}

async function answersOf(views: Views, all: readonly Labelled[]): Promise<Judged> {
  await using classifier = await loadClassifier(nodeHost, EVERYDAY, { threads: 1, views });
  const options = { topK: classifier.labels!.length };
  const { answers, milliseconds } = await timed(
    classifier.classifyAll(
      all.map(({ picture }) => picture),
      options,
    ),
  );
  const rank = (predictions: readonly Prediction[], label: string) =>
    predictions.findIndex((one) => one.label === nameOf(label));
  return { ranks: answers.map(({ predictions }, i) => rank(predictions, all[i]!.label)), milliseconds };
}

const nameOf = (folder: string) => folder.replaceAll("-", " ");

function embedder(model: string, views: Views): Promise<Embedder> {
  const transform = model === MOBILENET ? { transform: TRANSFORM } : {};
  return loadEmbedder(nodeHost, model, { threads: 1, views, ...transform });
}

/** Told by class means, which are of the model's usual view. */
async function meansJudge(model: string, set: string): Promise<Judge> {
  const usual = await embedder(model, "center");
  const training = paths(set === "clothing" ? "clothing/train" : "photos/train", Number(flags.training));
  const vectors = await allAnswers(usual.embedAll(training.map(({ path }) => path))).finally(() => usual.dispose());
  const middle = vectors[0]!.map((_, i) => meanOf(Float64Array.from(vectors, (vector) => vector[i]!)));
  const means = new Map<string, Float64Array>();
  training.forEach(({ label }, k) => {
    const sum = means.get(label) ?? new Float64Array(middle.length);
    means.set(label, sum);
    centred(vectors[k]!, middle).forEach((value, i) => {
      sum[i]! += value;
    });
  });
  const unitMeans = [...means].map(([label, sum]) => ({ label, mean: unit(sum) }));
  return async (views, all) => {
    await using seen = await embedder(model, views);
    const { answers, milliseconds } = await timed(seen.embedAll(all.map(({ picture }) => picture)));
    const ranks = answers.map((vector, i) => {
      const direction = centred(vector, middle);
      const likeness = unitMeans.map(({ mean }) => mean.reduce((sum, value, at) => sum + value * direction[at]!, 0));
      const own = likeness[unitMeans.findIndex(({ label }) => label === all[i]!.label)] ?? Number.NEGATIVE_INFINITY;
      return likeness.filter((one) => one > own).length;
    });
    return { ranks, milliseconds };
  };
}

const unit = (vector: Float64Array) => {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};
const centred = (vector: Float32Array, middle: Float32Array) =>
  unit(Float64Array.from(vector, (value, i) => value - middle[i]!));

interface Row {
  readonly model: string;
  readonly judge: string;
  readonly set: string;
  readonly views: Views;
  readonly pictures: number;
  readonly top1: Gain;
  readonly top5: Gain;
  /** Processor time of a picture, ms. */
  readonly milliseconds: number;
}

/** Percent, and points more than the center's with their 95 % interval. */
interface Gain {
  readonly share: number;
  readonly gained: number;
  readonly interval: readonly [low: number, high: number];
}

function gainOf(ranks: readonly number[], usual: readonly number[], most: number): Gain {
  const right = Float64Array.from(ranks, (rank) => 100 * Number(rank < most));
  const gains = right.map((is, i) => is - 100 * Number(usual[i]! < most));
  const { low, high } = bootstrapMeans([gains], new RandomSource(0))[0]!;
  return {
    share: rounded(meanOf(right)),
    gained: rounded(meanOf(gains)),
    interval: [rounded(low), rounded(high)],
  };
}

const rounded = (value: number) => Number(value.toPrecision(4));

async function measure(model: string, judgedBy: string, set: string, judge: Judge, all: readonly Labelled[]) {
  let usual: readonly number[] | undefined;
  for (const views of VIEWS) {
    const { ranks, milliseconds } = await judge(views, all);
    usual ??= ranks;
    report({
      model: model.replace(/^.*\/([^/]+)\.onnx$/, "$1"),
      ...{ judge: judgedBy, set, views, pictures: all.length },
      top1: gainOf(ranks, usual, 1),
      top5: gainOf(ranks, usual, 5),
      milliseconds: rounded(milliseconds / all.length),
    });
  }
}

/** Into a file that may have other rows already. */
function report(row: Row): void {
  console.log(JSON.stringify(row));
  if (flags.out === undefined) return;
  const earlier: Row[] = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];
  const key = ({ model, judge, set, views }: Row) => `${model} ${judge} ${set} ${views}`;
  const rows = [...earlier.filter((one) => key(one) !== key(row)), row];
  writeFileSync(flags.out, `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), rows }, undefined, 2)}\n`);
}

await using known = await loadClassifier(nodeHost, EVERYDAY, { threads: 1 });
const KNOWN = new Set(
  readdirSync(join(flags.data, "photos/val")).filter((name) => known.labels!.includes(nameOf(name))),
);
const judges = new Map<string, Promise<Judge>>();
for (const set of flags.sets.split(",")) {
  if (set !== "clothing") await measure(EVERYDAY, "answers", set, answersOf, await pictures(set, KNOWN));
  const all = await pictures(set);
  for (const model of [EVERYDAY, MOBILENET]) {
    const key = `${model} ${set === "clothing"}`;
    const judge = judges.get(key) ?? meansJudge(model, set);
    judges.set(key, judge);
    await measure(model, "class means", set, await judge, all);
  }
}
