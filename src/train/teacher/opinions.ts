// Distillation without its cost: a teacher sees every training picture once, a linear classifier is fitted to its features, and what that
// classifier thinks of each picture is kept as soft knowledge for all epochs.
import type { Dataset } from "../../data/dataset.ts";
import type { Loader } from "../../data/loader.ts";
import { SaccadeError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";
import type { Session } from "../../runtime/session.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { readSafetensors, writeSafetensors } from "../../weights/safetensors.ts";
import { heldOutItems } from "./held-out.ts";
import { applyProbe, type FittingOptions, fitProbe, fitScoredProbe } from "./probe.ts";
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
  /** How often such a classifier is right on pictures that it was not fitted to, 0..1; undefined where none could be held out. */
  readonly accuracy: number | undefined;
}

/**
 * Shows every picture to the teacher once, and says what it thinks of each.
 *
 * @throws AbortedError when the signal fires
 */
export async function askTeacher(options: TeachOptions): Promise<Opinions> {
  const { dataset, seed } = options;
  const { features, labels } = await extractFeatures(options);
  const fitting = { ...options, classes: dataset.labels.length };
  // The opinions are of a classifier that knows all pictures, so another one has to say how good it is.
  const heldOut = heldOutItems(dataset, seed);
  const { accuracy } = await fitScoredProbe(features, labels, (row) => heldOut.has(row), fitting);
  return { logits: applyProbe(await fitProbe(features, labels, fitting), features), accuracy };
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
