// Distillation without its cost: a teacher sees every training picture once, linear classifiers are fitted to its features, and what they think
// of each picture is kept as soft knowledge for all epochs. Each picture is judged by a classifier that was not fitted to it: one that was is
// right on 95 % of its own pictures, where it is right on 73 % of others, and so would say little more than the label.
import { type Dataset, splitItems, subset } from "../../data/dataset.ts";
import type { Loader } from "../../data/loader.ts";
import { SaccadeError, UsageError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";
import { RandomSource } from "../../random.ts";
import type { Session } from "../../runtime/session.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { crc32 } from "../../weights/crc32.ts";
import { readSafetensors, writeSafetensors } from "../../weights/safetensors.ts";
import { applyProbe, type FittingOptions, fitProbe, gatherRows, isRight, type Probe } from "./probe.ts";
import type { Teaching } from "./view-graph.ts";

/** Of features in memory while classifiers are fitted: 200,000 pictures of 1280 features. More hardly make classifiers better. */
const MAX_FEATURE_BYTES = 2 ** 30;
/** Of opinions, which a whole run keeps in memory. */
const MAX_OPINION_BYTES = 2 ** 31;

export interface TeachOptions extends FittingOptions {
  /** From `openTeacher`. */
  readonly teacher: Session;
  readonly dataset: Dataset;
  /**
   * Opens a loader over some of the data set: its pictures in their order, prepared as the teacher wants them; rows that cannot be read are
   * blank. It is disposed of when they are all seen.
   */
  readonly openLoader: (pictures: Dataset) => Loader;
  /** Of features that are kept. Where those of all pictures take more, classifiers are fitted to a part of each class. Default 1 GiB. */
  readonly maxFeatureBytes?: number;
  readonly onProgress?: (done: number) => void;
}

export interface Opinions {
  /** (length, classes) */
  readonly logits: TensorData<"float32">;
  /** How often they are right, 0..1; undefined where no class has two pictures. */
  readonly accuracy: number | undefined;
}

/**
 * Says before anything is begun that opinions of so many pictures would not fit into memory.
 *
 * @throws UsageError
 */
export function requireRoomForOpinions({ length, labels }: Pick<Dataset, "length" | "labels">): void {
  const bytes = 4 * length * labels.length;
  if (bytes <= MAX_OPINION_BYTES) return;
  throw new UsageError(
    `a teacher's opinions of ${length} pictures and ${labels.length} classes would take ${(bytes / 1e9).toFixed(1)} GB of memory`,
    'let it see views, of which nothing is kept: "distillation": { "sees": "view", … } in the recipe',
  );
}

/**
 * Shows every picture to the teacher once, and says what it thinks of each. Memory is bounded: where not all features can be kept, pictures
 * beyond are judged as the teacher sees them, by a classifier that was fitted to others.
 *
 * @throws AbortedError when the signal fires
 */
export async function askTeacher(options: TeachOptions): Promise<Opinions> {
  const { dataset, onProgress } = options;
  const classes = dataset.labels.length;
  const logits = new Float32Array(dataset.length * classes);
  let [right, judged] = [0, 0];
  const judge = (items: ArrayLike<number>, labels: ArrayLike<number>, opinions: Float32Array) => {
    for (let i = 0; i < items.length; i++) {
      const opinion = opinions.subarray(i * classes, (i + 1) * classes);
      logits.set(opinion, items[i]! * classes);
      if (labels[i]! < 0) continue;
      judged += 1;
      if (isRight(opinion, labels[i]!)) right += 1;
    }
  };
  const [kept, others] = await partsOf(options);
  const { features, labels } = await extractFeatures(options, kept);
  const probe = await judgeInFolds(features, labels, options, (rows, fairLabels, opinions) =>
    judge(
      rows.map((row) => kept[row]!),
      fairLabels,
      opinions,
    ),
  );
  for await (const batch of featuresOf(options, others)) {
    const seen = tensor("float32", [batch.labels.length, batch.width], batch.features);
    judge(others.slice(batch.start, batch.start + batch.labels.length), batch.labels, applyProbe(probe, seen).data);
    onProgress?.(kept.length + batch.start + batch.labels.length);
  }
  return {
    logits: tensor("float32", [dataset.length, classes], logits),
    accuracy: judged === 0 ? undefined : right / judged,
  };
}

/** The items whose features are kept, and the others: a part of each class where all would take too much memory. */
async function partsOf(options: TeachOptions): Promise<readonly [kept: readonly number[], others: readonly number[]]> {
  const { dataset, seed, maxFeatureBytes = MAX_FEATURE_BYTES } = options;
  const bytes = 4 * dataset.length * (await featureWidth(options));
  return splitItems(dataset, Math.max(0, 1 - maxFeatureBytes / bytes), { seed });
}

/** Numbers that the teacher has for a picture: as it says itself, or else as its first batch shows. */
async function featureWidth(options: TeachOptions): Promise<number> {
  const { teacher, dataset } = options;
  const declared = teacher.outputs.find(({ name }) => name === "features")?.shape[1];
  if (typeof declared === "number") return declared;
  for await (const { width } of featuresOf(options, [...dataset.targets.keys()])) return width;
  throw new SaccadeError("train", "the teacher saw no pictures");
}

/**
 * Judges every row by a classifier that was fitted to others.
 *
 * @param judge takes rows, their labels (-1 where the classifier's being right says nothing) and opinions (rows, classes)
 * @returns the first of the classifiers
 */
async function judgeInFolds(
  features: TensorData<"float32">,
  labels: Int32Array,
  options: TeachOptions,
  judge: (rows: Int32Array, labels: Int32Array, opinions: Float32Array) => void,
): Promise<Probe> {
  const classes = options.dataset.labels.length;
  const folds = foldsOf(labels, options.seed);
  let first: Probe | undefined;
  for (let fold = 0; fold < FOLDS; fold++) {
    // Pictures of no fold are ones that the teacher has not seen, and only ones of their class: any classifier will do.
    const rows = Int32Array.from(folds.keys()).filter(
      (row) => folds[row] === fold || (fold === 0 && folds[row] === -1),
    );
    if (rows.length === 0) continue; // no class has so many pictures
    const others = labels.map((label, row) => (folds[row] === fold ? -1 : label));
    const probe = await fitProbe(features, others, { ...options, classes });
    first ??= probe;
    const fairLabels = rows.map((row) => (folds[row] === fold ? labels[row]! : -1));
    judge(rows, fairLabels, applyProbe(probe, gatherRows(features, rows)).data);
  }
  if (first === undefined) throw new SaccadeError("train", "the teacher saw no pictures");
  return first;
}

/** Classifiers that share the work of judging every picture. */
const FOLDS = 5;

/** Each row's fold, with the same share of each class in all of them; -1 for a row without a label, or alone in its class. */
function foldsOf(labels: Int32Array, seed: number): Int32Array {
  const rows = Int32Array.from(labels.keys()).filter((row) => labels[row]! >= 0);
  new RandomSource(seed, "folds").shuffle(rows);
  const counts = new Map<number, number>();
  const folds = new Int32Array(labels.length).fill(-1);
  for (const row of rows) {
    const count = counts.get(labels[row]!) ?? 0;
    counts.set(labels[row]!, count + 1);
    folds[row] = count % FOLDS;
  }
  return folds.map((fold, row) => (counts.get(labels[row]!) === 1 ? -1 : fold));
}

/** Features (items, width), and the labels of the items that the teacher saw; -1 elsewhere. */
async function extractFeatures(options: TeachOptions, items: readonly number[]) {
  let all: Float32Array | undefined;
  let width = 0;
  const labels = new Int32Array(items.length).fill(-1);
  for await (const batch of featuresOf(options, items)) {
    width = batch.width;
    all ??= new Float32Array(items.length * width);
    all.set(batch.features, batch.start * width);
    labels.set(batch.labels, batch.start);
    options.onProgress?.(batch.start + batch.labels.length);
  }
  if (all === undefined) throw new SaccadeError("train", "the teacher saw no pictures");
  return { features: tensor("float32", [items.length, width], all), labels };
}

/** What the teacher gives for some items, batch by batch: features (rows, width), and -1 as the label of an item that cannot be read. */
async function* featuresOf({ teacher, dataset, openLoader, signal }: TeachOptions, items: readonly number[]) {
  if (items.length === 0) return;
  await using loader = openLoader(subset(dataset, items));
  const input = teacher.inputs[0]!.name;
  let start = 0;
  const batches = loader.batches({ untilEpoch: 1, ...(signal === undefined ? {} : { signal }) });
  for await (const { images, labels } of batches) {
    const outputs = await teacher.run({ [input]: images }, { outputs: ["features"] });
    const features = toFloat32(outputs.features!);
    yield { start, features, labels, width: features.length / labels.length };
    start += labels.length;
  }
}

/**
 * The data set with soft labels: `weight` of each target is what the teacher thinks, softened by `temperature`, the rest is the label itself.
 *
 * @param logits (length, classes)
 */
export function withTeacher(
  dataset: Dataset,
  logits: TensorData<"float32">,
  { weight, temperature }: Teaching,
): Dataset {
  const classes = dataset.labels.length;
  const soften = (index: number, own: ArrayLike<number> | undefined): Float32Array => {
    const row = logits.data.subarray(index * classes, (index + 1) * classes);
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const soft = row.map((value) => Math.exp((value - largest) / temperature));
    const sum = soft.reduce((a, b) => a + b, 0);
    const label = (c: number) => own?.[c] ?? (c === dataset.targets[index] ? 1 : 0);
    return soft.map((value, c) => (weight * value) / sum + (1 - weight) * label(c));
  };
  return {
    ...dataset,
    async item(index) {
      const item = await dataset.item(index);
      return { ...item, softLabel: soften(index, item.softLabel) };
    },
  };
}

/** Keeps a teacher's opinions of a data set, so that a resumed run need not ask again. */
export async function saveOpinions(
  files: Files,
  path: string,
  logits: TensorData<"float32">,
  dataset: Dataset,
): Promise<void> {
  await files.writeAtomic(path, writeSafetensors(new Map([["logits", logits]]), { pictures: identityOf(dataset) }));
}

/** The opinions about a data set that were kept; undefined when there are none, or they are about other data. */
export async function loadOpinions(
  files: Files,
  path: string,
  dataset: Dataset,
): Promise<TensorData<"float32"> | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  const { tensors, metadata } = readSafetensors(await files.read(path));
  const logits = tensors.get("logits");
  const shape = [dataset.length, dataset.labels.length];
  if (logits === undefined || logits.shape.join() !== shape.join()) return undefined;
  // Files of before do not say it.
  if (metadata.pictures !== undefined && metadata.pictures !== identityOf(dataset)) return undefined;
  return tensor("float32", shape, toFloat32(logits));
}

/**
 * Which pictures, in which order: two parts of one set, split by different seeds, have as many of each class. What all names begin with does not
 * count, as a folder may be moved.
 */
function identityOf(dataset: Dataset): string {
  const names = Array.from({ length: dataset.length }, (_, index) => dataset.name(index));
  const sorted = names.toSorted();
  const [least, greatest] = [sorted[0] ?? "", sorted.at(-1) ?? ""];
  let common = 0;
  while (common < least.length && least[common] === greatest[common]) common++;
  const lines = [...dataset.labels, "", ...names.map((name) => name.slice(common))];
  return `CRC-32 ${crc32(new TextEncoder().encode(lines.join("\n")))
    .toString(16)
    .padStart(8, "0")}`;
}
