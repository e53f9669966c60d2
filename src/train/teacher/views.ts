// A teacher that answers for each view, the very picture that the student sees: first a linear classifier is fitted to its features of some
// passes of views, then every batch's targets get its opinion of that batch.
import type { Dataset } from "../../data/dataset.ts";
import type { Batch, BatchesOptions, Loader } from "../../data/loader.ts";
import { FormatError, SaccadeError } from "../../errors.ts";
import { joinModel } from "../../onnx/join.ts";
import { readOnnx } from "../../onnx/read.ts";
import type { Files } from "../../platform/host.ts";
import type { Session } from "../../runtime/session.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { crc32 } from "../../weights/crc32.ts";
import { readSafetensors, writeSafetensors } from "../../weights/safetensors.ts";
import { heldOutItems } from "./held-out.ts";
import { requireFeatures } from "./open.ts";
import { type FittingOptions, fitScoredProbe, type Probe, probeWidth, type ScoredProbe } from "./probe.ts";
import {
  afterTeacher,
  beforeTeacher,
  CENTRED_OUTPUT,
  TARGETS_INPUT,
  TAUGHT_OUTPUT,
  type Teaching,
  VIEW_INPUT,
  type ViewPlan,
} from "./view-graph.ts";

/** How often each picture is shown at most, each time as another view, before the classifier is fitted. */
const FITTING_PASSES = 3;
/** Views that are enough for a classifier: there are no more passes once there are as many. */
const FITTING_VIEWS = 30_000;
/** How often the classifier then sees each of these views. */
const FITTING_EPOCHS = 5;
/** Of features that are kept. */
const MAX_FEATURE_BYTES = 512 * 2 ** 20;

/** A teacher's file, checked for what it needs to answer for views of one plan. */
export interface ViewTeacher {
  readonly bytes: Uint8Array;
  /** For messages. */
  readonly name: string;
  readonly input: string;
  readonly plan: ViewPlan;
  readonly batch: number;
}

/**
 * Looks whether a model can answer for views.
 *
 * @param bytes ONNX bytes of a picture model with an output `features` (N, width)
 * @throws FormatError when it has no such output, takes batches of another size, or pictures of another size where it does not average over all
 * places: a network of convolutions that does is the same network on smaller pictures, whatever size it was exported with
 */
export function viewTeacher(bytes: Uint8Array, name: string, plan: ViewPlan, batch: number): ViewTeacher {
  const { inputs, outputs, opCounts } = readOnnx(bytes);
  requireFeatures(
    outputs.map((output) => output.name),
    name,
  );
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0)
    throw new FormatError(name, `a teacher has one input, and this model has ${inputs.length}`);
  const wanted = [batch, 3, plan.teacherHeight, plan.teacherWidth];
  const fits = input.shape === undefined || input.shape.length === 4;
  const isAnySize = (opCounts.GlobalAveragePool ?? 0) > 0;
  const differs =
    input.shape?.some(
      (size, axis) => typeof size === "number" && size !== wanted[axis] && !(isAnySize && isSpatial(axis)),
    ) ?? false;
  if (!fits || differs)
    throw new FormatError(name, `it takes (${input.shape!.join(", ")}), and would be given (${wanted.join(", ")})`, {
      hint: "the recipe's distillation.transform says the size; the batch is the recipe's",
    });
  return { bytes, name, input: input.name, plan, batch };
}

/** Of (batch, channels, height, width). */
const isSpatial = (axis: number) => axis >= 2;

/** ONNX bytes: views (batch, 3, height, width) -> features (batch, width). */
export function featuresOfViews({ bytes, name, input, plan, batch }: ViewTeacher): Uint8Array {
  return joinModel(bytes, name, { before: beforeTeacher(plan, batch, input), outputs: ["features"] });
}

/** What a teacher's views have taught about it. */
export interface TeacherProbe extends Probe {
  /** Of its features over the views (width). Probes that were kept before it was known have none. */
  readonly mean?: Float32Array;
}

/**
 * ONNX bytes: views (batch, 3, height, width) and their targets (batch, classes) -> targets (batch, classes) with the teacher's opinion, and with
 * `features` its features less their mean, CENTRED_OUTPUT (batch, width).
 */
export function targetsOfViews(
  { bytes, name, input, plan, batch }: ViewTeacher,
  probe: TeacherProbe,
  teaching: Teaching & { readonly features?: number | undefined },
): Uint8Array {
  const mean = teaching.features === undefined ? undefined : probe.mean;
  return joinModel(bytes, name, {
    before: beforeTeacher(plan, batch, input),
    after: afterTeacher(probe, batch, teaching, mean),
    outputs: [TAUGHT_OUTPUT, ...(mean === undefined ? [] : [CENTRED_OUTPUT])],
  });
}

export interface FitOnViewsOptions extends FittingOptions {
  /** Over `featuresOfViews`. */
  readonly session: Session;
  readonly dataset: Dataset;
  /** Unmixed views of the data set, augmented as in training. */
  readonly loader: Loader;
  /** Of features that are kept: with more views than fit, the first ones are enough, because they come shuffled. Default 512 MiB. */
  readonly maxFeatureBytes?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Fits a linear classifier to a teacher's features of views. Some pictures are held out, in all their views: on these it is scored.
 *
 * @throws AbortedError when the signal fires
 */
export async function fitOnViews(
  options: FitOnViewsOptions,
): Promise<{ readonly probe: TeacherProbe; readonly accuracy: ScoredProbe["accuracy"] }> {
  const { dataset, seed } = options;
  const { features, items } = await collectFeatures(options);
  const heldOut = heldOutItems(dataset, seed);
  const { probe, accuracy } = await fitScoredProbe(
    features,
    items.map((item) => dataset.targets[item] ?? -1),
    (row) => heldOut.has(items[row]!),
    { ...options, classes: dataset.labels.length, epochs: FITTING_EPOCHS },
  );
  return { probe: { ...probe, mean: meanOf(features) }, accuracy };
}

/** Of rows (rows, width). */
function meanOf({ data, shape }: TensorData<"float32">): Float32Array {
  const [rows, width] = shape as [number, number];
  const sums = new Float64Array(width);
  data.forEach((value, i) => {
    sums[i % width]! += value;
  });
  return Float32Array.from(sums, (sum) => sum / rows);
}

/** Features (rows, width) of the loader's views, and which picture each row is of. */
async function collectFeatures(options: FitOnViewsOptions) {
  const { session, dataset, loader, maxFeatureBytes = MAX_FEATURE_BYTES, onProgress, signal } = options;
  let collected: { readonly features: Float32Array; readonly items: Int32Array; readonly width: number } | undefined;
  let row = 0;
  const passes = Math.min(FITTING_PASSES, Math.ceil(FITTING_VIEWS / dataset.length));
  for await (const { images, items } of loader.batches({
    untilEpoch: passes,
    ...(signal === undefined ? {} : { signal }),
  })) {
    const outputs = await session.run({ [VIEW_INPUT]: images }, { outputs: ["features"] });
    const features = toFloat32(outputs.features!);
    const width = features.length / items.length;
    if (collected === undefined) {
      const views = passes * loader.batchesPerEpoch * items.length;
      const rows = Math.min(views, Math.max(items.length, Math.floor(maxFeatureBytes / (4 * width))));
      collected = { features: new Float32Array(rows * width), items: new Int32Array(rows), width };
    }
    const count = Math.min(items.length, collected.items.length - row);
    collected.features.set(features.subarray(0, count * width), row * width);
    collected.items.set(items.subarray(0, count), row);
    row += count;
    onProgress?.(row, collected.items.length);
    if (row === collected.items.length) break;
  }
  if (collected === undefined)
    throw new SaccadeError("train", `the teacher saw none of the ${dataset.length} pictures`);
  const { features, items, width } = collected;
  return { features: tensor("float32", [items.length, width], features), items };
}

/**
 * A loader whose targets have the teacher's opinion of each batch, and whose batches have its features where the session gives them: the outputs
 * of `targetsOfViews`. Disposing of it disposes of the loader,
 * and not of the session.
 *
 * @param ahead whether the teacher sees the next batch while one is trained on, and not only when it is asked for
 */
export function withViewTeacher(loader: Loader, session: Session, { ahead }: { readonly ahead: boolean }): Loader {
  const teach = async (batch: Batch): Promise<Batch> => {
    const feeds = { [VIEW_INPUT]: batch.images, [TARGETS_INPUT]: batch.targets };
    const { [TAUGHT_OUTPUT]: taught, [CENTRED_OUTPUT]: features } = await session.run(feeds);
    return {
      ...batch,
      targets: tensor("float32", batch.targets.shape, toFloat32(taught!)),
      ...(features === undefined ? {} : { teacher: tensor("float32", features.shape, toFloat32(features)) }),
    };
  };
  async function* inTurns(options?: BatchesOptions): AsyncIterableIterator<Batch> {
    for await (const batch of loader.batches(options)) yield await teach(batch);
  }
  async function* oneAhead(options?: BatchesOptions): AsyncIterableIterator<Batch> {
    const views = loader.batches(options);
    const teachNext = async () => {
      const { value, done } = await views.next();
      return done === true ? undefined : teach(value);
    };
    try {
      let next = teachNext();
      for (let batch = await next; batch !== undefined; batch = await next) {
        next = teachNext();
        // Whoever asks for it sees the failure; until then it must not count as unhandled.
        next.catch(() => undefined);
        yield batch;
      }
    } finally {
      await views.return?.();
    }
  }
  return {
    batches: ahead ? oneAhead : inTurns,
    batchesPerEpoch: loader.batchesPerEpoch,
    get problems() {
      return loader.problems;
    },
    takeStatistics: () => loader.takeStatistics(),
    dispose: () => loader.dispose(),
    [Symbol.asyncDispose]: () => loader.dispose(),
  };
}

const identityOf = (bytes: Uint8Array) => `${bytes.length} bytes, CRC-32 ${crc32(bytes).toString(16).padStart(8, "0")}`;

/** Keeps a probe, so that a resumed run need not fit it again. */
export async function saveProbe(files: Files, path: string, { weight, bias, mean }: TeacherProbe, teacher: Uint8Array) {
  const width = probeWidth({ weight, bias });
  const tensors = new Map([
    ["weight", tensor("float32", [bias.length, width], weight)],
    ["bias", tensor("float32", [bias.length], bias)],
    ...(mean === undefined ? [] : [["mean", tensor("float32", [width], mean)] as const]),
  ]);
  await files.writeAtomic(path, writeSafetensors(tensors, { teacher: identityOf(teacher) }));
}

/**
 * The probe over a teacher's features that was kept; undefined when there is none for so many classes.
 *
 * @throws SaccadeError "teacher_differs" for a probe over another teacher
 */
export async function loadProbe(
  files: Files,
  path: string,
  classes: number,
  teacher: Pick<ViewTeacher, "bytes" | "name">,
): Promise<TeacherProbe | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  const { tensors, metadata } = readSafetensors(await files.read(path));
  const [weight, bias, mean] = [tensors.get("weight"), tensors.get("bias"), tensors.get("mean")];
  if (weight?.shape[0] !== classes || bias?.shape.join() !== `${classes}`) return undefined;
  if (metadata.teacher !== identityOf(teacher.bytes))
    throw new SaccadeError("teacher_differs", `${teacher.name} is not the teacher that the run began with`, {
      hint: `that one had ${metadata.teacher}, this one has ${identityOf(teacher.bytes)}`,
    });
  return {
    weight: toFloat32(weight),
    bias: toFloat32(bias),
    ...(mean === undefined ? {} : { mean: toFloat32(mean) }),
  };
}
