// Is an exported file the same function as the model it came from? Both run on random pictures (or texts), and the outputs are compared.
import { SaccadeError, SessionError } from "../errors.ts";
import type { ImageInput, TextInput } from "../models/architecture.ts";
import type { InputSize } from "../models/graph.ts";
import { channelsOfInput, greyValues } from "../models/grey.ts";
import { pictureInput } from "../models/picture-input.ts";
import type { PixelNormalization } from "../models/pixels.ts";
import type { Precision } from "../onnx/lower.ts";
import type { Host } from "../platform/host.ts";
import { RandomSource } from "../random.ts";
import { SequentialSession, type StepResult } from "../runtime/sequential-session.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import type { StagedSession } from "../runtime/staged-session.ts";
import { elementCount, type TensorData, tensor, toFloat32 } from "../tensor.ts";
import { type CompiledStages, type ExportOptions, exportOnnx } from "./compile.ts";
import type { NativeModel } from "./model.ts";

export interface ExportCheck {
  /** Shapes of what was tried. */
  readonly shapes: readonly (readonly number[])[];
  /** The largest difference of each output over all trials, relative to its largest value where that is above 1. */
  readonly differences: ReadonlyMap<string, number>;
  /** The largest of all, and whose it is. */
  readonly largest: { readonly output: string; readonly difference: number };
}

/** Beyond it, a file and its model are not the same function. Eight bits were seen to be 0.07 off at most, in a toy of random weights. */
export const EXPORT_TOLERANCE: Readonly<Record<Precision, number>> = { float32: 1e-4, int8: 0.2 };

/**
 * A file that computes something else is never handed out.
 *
 * @param what what is not done then, for the message
 * @throws SaccadeError "export_differs"
 */
export function requireEqual({ largest }: ExportCheck, precision: Precision, what: string): void {
  const { output, difference } = largest;
  const tolerance = EXPORT_TOLERANCE[precision];
  if (difference <= tolerance) return;
  throw new SaccadeError(
    "export_differs",
    `${what}: its "${output}" differs from the model's by ${difference.toExponential(1)}, more than ${tolerance}`,
    { hint: "please report it; without verifying it is handed out all the same", data: { output, difference } },
  );
}

/** How the model itself is lowered, for comparison. */
const PLAIN: ExportOptions = { gridSample: "gather", simplify: false, form: { onlyWhereSampled: false } };

/**
 * Runs an exported file beside the model itself, which is lowered another way (other kernels, nodes as they were traced, sampling by plain
 * arithmetic, in float32), so that a fault of one lowering cannot hide behind itself.
 *
 * @param exported what the file was exported with: sizes that it fixes are kept, of free ones two are tried
 * @throws SessionError when an engine refuses either
 */
export async function verifyExport(
  host: Host,
  model: NativeModel,
  bytes: Uint8Array,
  exported: ExportOptions = {},
  options: SessionOptions = {},
): Promise<ExportCheck> {
  const target = exported.target === "onnxruntime" ? "portable" : "onnxruntime";
  const { outputs } = exported;
  const reference = exportOnnx(model, { ...PLAIN, target, ...(outputs === undefined ? {} : { outputs }) });
  const sessions: Session[] = [];
  try {
    for (const file of [bytes, reference]) sessions.push(await host.createSession(file, options));
    const trials = trialsOf(model, exported);
    return await compare(sessions[0]!, sessions[1]!, trials, options.signal);
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()));
  }
}

/**
 * Runs the files of stages one after another beside the model as one graph: the last step's answers must be the same.
 *
 * @throws SessionError when an engine refuses any
 */
export async function verifyStages(
  host: Host,
  model: NativeModel,
  { steps, files }: Pick<CompiledStages, "steps" | "files">,
  options: SessionOptions = {},
): Promise<ExportCheck> {
  const reference = await host.createSession(
    exportOnnx(model, { ...PLAIN, target: "onnxruntime", outputs: ["logits"] }),
    options,
  );
  let staged: StagedSession | undefined;
  try {
    staged = await host.createStagedSession(files, options);
    const sequence = new SequentialSession(steps, staged);
    const shapes = trialShapes(pictureInput(model.definition), {});
    let largest = 0;
    for (const [i, shape] of shapes.entries()) {
      const image = randomPicture(shape, i);
      const runOptions = { outputs: ["logits"], ...(options.signal === undefined ? {} : { signal: options.signal }) };
      const { logits: expected } = await reference.run({ image }, runOptions);
      let answer: TensorData | undefined;
      const takeAll = ({ rows, outputs }: StepResult) => {
        answer = outputs.logits;
        return rows.map((_, position) => position);
      };
      await sequence.run(image, takeAll, runOptions);
      largest = Math.max(largest, difference(answer, lastAnswers(expected!, shape[0]!)));
    }
    return { shapes, differences: new Map([["logits", largest]]), largest: { output: "logits", difference: largest } };
  } finally {
    await Promise.all([reference.dispose(), staged?.dispose()]);
  }
}

/** (batch, classes) of the last step: some models answer (steps, batch, classes). */
function lastAnswers(logits: TensorData, batch: number): TensorData {
  const classes = logits.shape.at(-1)!;
  return tensor("float32", [batch, classes], toFloat32(logits).slice(-batch * classes));
}

/** What the file is fed, and the model itself. */
interface Trial {
  readonly shape: readonly number[];
  readonly file: Record<string, TensorData>;
  readonly model: Record<string, TensorData>;
}

function trialsOf({ definition }: NativeModel, { size = {}, form }: ExportOptions): Trial[] {
  const input = definition.architecture.input(definition.config);
  if (input.kind === "text") {
    const batches = typeof size.batch === "number" ? [size.batch] : [1, 3];
    return batches.map((batch, i) => {
      const ids = randomTexts(batch, input, i);
      return { shape: ids.shape, file: { ids }, model: { ids } };
    });
  }
  const pixels = form?.pixels;
  return trialShapes(input, size).map((shape, i) => {
    if (pixels === undefined) {
      const image = randomPicture(shape, i);
      return { shape, file: { image }, model: { image } };
    }
    const [batch, channels, ...spatial] = shape;
    const { fed, image } = asPixels(randomPicture([batch!, 3, ...spatial], i), pixels);
    return { shape, file: { image: fed }, model: { image: channels === 1 ? greyValues(image) : image } };
  });
}

async function compare(
  file: Session,
  model: Session,
  trials: readonly Trial[],
  signal: AbortSignal | undefined,
): Promise<ExportCheck> {
  const differences = new Map<string, number>();
  for (const trial of trials) {
    const runOptions = signal === undefined ? {} : { signal };
    const [actual, expected] = [await file.run(trial.file, runOptions), await model.run(trial.model, runOptions)];
    for (const [name, value] of Object.entries(expected))
      differences.set(name, Math.max(differences.get(name) ?? 0, difference(actual[name], value)));
  }
  const [worst] = [...differences].sort(([, a], [, b]) => b - a);
  if (worst === undefined) throw new SessionError("the exported file has no outputs");
  return {
    shapes: trials.map(({ shape }) => shape),
    differences,
    largest: { output: worst[0], difference: worst[1] },
  };
}

/** Two pictures of the free sizes, one where all are fixed. The second is oblong and a batch, which the usual one is not. */
function trialShapes(input: ImageInput, fixed: InputSize): number[][] {
  const { kind, size, usual, frames: fixedFrames } = input;
  const trial = (batch: number, freeFrames: number, scale: { height: number; width: number }) => {
    const pick = (given: InputSize[keyof InputSize], own: number) => (typeof given === "number" ? given : own);
    const height = pick(
      fixed.height,
      size === "free" ? Math.round((usual.height * scale.height) / 32) * 32 : size.height,
    );
    const width = pick(fixed.width, size === "free" ? Math.round((usual.width * scale.width) / 32) * 32 : size.width);
    const time = kind === "video" ? [pick(fixed.frames, fixedFrames ?? freeFrames)] : [];
    return [pick(fixed.batch, batch), channelsOfInput(input), ...time, height, width];
  };
  const frames = usual.frames ?? 1;
  const first = trial(1, frames, { height: 1, width: 1 });
  const second = trial(2, Math.max(1, frames / 2), { height: 0.58, width: 0.86 });
  return first.join() === second.join() ? [first] : [first, second];
}

/** Texts of different lengths: numbers between the first and the last, which ends each. */
function randomTexts(batch: number, { context, vocabulary }: TextInput, seed: number): TensorData<"int64"> {
  const random = new RandomSource(seed, "verify-export");
  const ids = new BigInt64Array(batch * context);
  for (let row = 0; row < batch; row++) {
    const length = random.integer(context);
    for (let i = 0; i < length; i++) ids[row * context + i] = BigInt(random.integer(vocabulary - 1));
    ids[row * context + length] = BigInt(vocabulary - 1);
  }
  return tensor("int64", [batch, context], ids);
}

/**
 * A few random waves a channel, and a little noise. Not noise alone: where neighbouring pixels have nothing to do with each other, a region
 * that is off by a rounding error sees another picture, and every lowering "differs".
 */
function randomPicture(shape: readonly number[], seed: number): TensorData<"float32"> {
  const random = new RandomSource(seed, "verify-export");
  const [height = 1, width = 1] = shape.slice(-2);
  const data = new Float32Array(elementCount(shape));
  const plane = height * width;
  for (let start = 0; start < data.length; start += plane) {
    const waves = Array.from({ length: WAVES }, () => ({
      across: random.between(-3, 3),
      down: random.between(-3, 3),
      phase: random.between(0, 2 * Math.PI),
    }));
    for (let i = 0; i < plane; i++) {
      const x = (i % width) / width;
      const y = Math.floor(i / width) / height;
      let value = random.between(-0.05, 0.05);
      for (const { across, down, phase } of waves) value += Math.sin(2 * Math.PI * (across * x + down * y) + phase) / 2;
      data[start + i] = value;
    }
  }
  return tensor("float32", shape, data);
}

const WAVES = 4;

/** The nearest picture that bytes can hold: uint8 (N, H, W, 3) for a file that normalises, and the same normalised, float32 (N, 3, H, W). */
function asPixels({ shape, data }: TensorData<"float32">, { mean, std }: PixelNormalization) {
  const [count, , height, width] = shape as [number, number, number, number];
  const bytes = new Uint8Array(data.length);
  const image = new Float32Array(data.length);
  const plane = height * width;
  for (let at = 0; at < data.length; at++) {
    const [n, c, i] = [Math.floor(at / (3 * plane)), Math.floor(at / plane) % 3, at % plane];
    const byte = Math.min(255, Math.max(0, Math.round(255 * (data[at]! * std[c]! + mean[c]!))));
    bytes[(n * plane + i) * 3 + c] = byte;
    image[at] = (byte / 255 - mean[c]!) / std[c]!;
  }
  return { fed: tensor("uint8", [count, height, width, 3], bytes), image: tensor("float32", shape, image) };
}

/** Infinite when a shape differs or a value is not a number. */
function difference(actual: TensorData | undefined, expected: TensorData): number {
  if (actual === undefined || actual.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY;
  const a = toFloat32(actual);
  const b = toFloat32(expected);
  let largest = 0;
  let scale = 1;
  for (let i = 0; i < b.length; i++) {
    const off = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(off)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, off);
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return largest / scale;
}
