// Distillation without its cost: a teacher sees every training picture once, linear classifiers are fitted to its features, and what they think
// of each picture is kept as soft knowledge for all epochs. Each picture is judged by a classifier that was not fitted to it: one that was is
// right on 95 % of its own pictures, where it is right on 73 % of others, and so would say little more than the label.
import type { Dataset } from "../../data/dataset.ts";
import type { Loader } from "../../data/loader.ts";
import { SaccadeError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";
import { RandomSource } from "../../random.ts";
import type { Session } from "../../runtime/session.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { readSafetensors, writeSafetensors } from "../../weights/safetensors.ts";
import { applyProbe, type FittingOptions, fitProbe, gatherRows, isRight } from "./probe.ts";
import type { Teaching } from "./view-graph.ts";

export interface TeachOptions extends FittingOptions {
  /** From `openTeacher`. */
  readonly teacher: Session;
  readonly dataset: Dataset;
  /** The data set's pictures in its own order, prepared as the teacher wants them; rows that cannot be read are blank. */
  readonly loader: Loader;
  readonly onProgress?: (done: number) => void;
}

export interface Opinions {
  /** (length, classes) */
  readonly logits: TensorData<"float32">;
  /** How often they are right, 0..1; undefined where no class has two pictures. */
  readonly accuracy: number | undefined;
}

/**
 * Shows every picture to the teacher once, and says what it thinks of each.
 *
 * @throws AbortedError when the signal fires
 */
export async function askTeacher(options: TeachOptions): Promise<Opinions> {
  const { dataset, seed } = options;
  const classes = dataset.labels.length;
  const { features, labels } = await extractFeatures(options);
  const folds = foldsOf(labels, seed);
  const logits = new Float32Array(dataset.length * classes);
  let [right, judged] = [0, 0];
  for (let fold = 0; fold < FOLDS; fold++) {
    // Pictures of no fold are ones that the teacher has not seen, and only ones of their class: any classifier will do.
    const rows = Int32Array.from(folds.keys()).filter(
      (row) => folds[row] === fold || (fold === 0 && folds[row] === -1),
    );
    if (rows.length === 0) continue; // no class has so many pictures
    const others = labels.map((label, row) => (folds[row] === fold ? -1 : label));
    const probe = await fitProbe(features, others, { ...options, classes });
    const opinions = applyProbe(probe, gatherRows(features, rows)).data;
    rows.forEach((row, i) => {
      const opinion = opinions.subarray(i * classes, (i + 1) * classes);
      logits.set(opinion, row * classes);
      if (folds[row] !== fold) return;
      judged += 1;
      if (isRight(opinion, labels[row]!)) right += 1;
    });
  }
  return {
    logits: tensor("float32", [dataset.length, classes], logits),
    accuracy: judged === 0 ? undefined : right / judged,
  };
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

/** Features (length, width), and the labels of the rows that the teacher saw; -1 elsewhere. */
async function extractFeatures({ teacher, dataset, loader, onProgress, signal }: TeachOptions) {
  let all: Float32Array | undefined;
  let width = 0;
  let row = 0;
  const labels = new Int32Array(dataset.length).fill(-1);
  const input = teacher.inputs[0]!.name;
  for await (const batch of loader.batches({ untilEpoch: 1, ...(signal === undefined ? {} : { signal }) })) {
    const outputs = await teacher.run({ [input]: batch.images }, { outputs: ["features"] });
    const features = toFloat32(outputs.features!);
    width = features.length / batch.labels.length;
    all ??= new Float32Array(dataset.length * width);
    all.set(features, row * width);
    labels.set(batch.labels, row);
    row += batch.labels.length;
    onProgress?.(row);
  }
  if (all === undefined) throw new SaccadeError("train", "the teacher saw no pictures");
  return { features: tensor("float32", [dataset.length, width], all), labels };
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

/** Keeps a teacher's opinions, so that a resumed run need not ask again. */
export async function saveOpinions(files: Files, path: string, logits: TensorData<"float32">): Promise<void> {
  await files.writeAtomic(path, writeSafetensors(new Map([["logits", logits]])));
}

/** The opinions about a data set that were kept; undefined when there are none, or they are about other data. */
export async function loadOpinions(
  files: Files,
  path: string,
  dataset: Dataset,
): Promise<TensorData<"float32"> | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  const logits = readSafetensors(await files.read(path)).tensors.get("logits");
  const shape = [dataset.length, dataset.labels.length];
  if (logits === undefined || logits.shape.join() !== shape.join()) return undefined;
  return tensor("float32", shape, toFloat32(logits));
}
