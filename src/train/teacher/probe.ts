// A linear classifier over features, fitted by the same machinery as every model.
import { AbortedError } from "../../errors.ts";
import { gemm } from "../../graph/build.ts";
import { differentiate } from "../../graph/gradients/differentiate.ts";
import { Scope } from "../../graph/scope.ts";
import { Graph } from "../../graph/tensor.ts";
import { type LoweringTarget, lower } from "../../onnx/lower.ts";
import { RandomSource } from "../../random.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";
import { elementCount, type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { softCrossEntropy } from "../losses.ts";
import { adamW } from "../optimizers/adamw.ts";
import { cosineRate } from "../schedule.ts";

/** What fitting needs of a run. */
export interface FittingOptions {
  readonly seed: number;
  /** Which kernels the sessions have. Default "onnxruntime". */
  readonly target?: LoweringTarget;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  readonly signal?: AbortSignal;
}

export interface ProbeOptions extends FittingOptions {
  readonly classes: number;
  /** Default 15. */
  readonly epochs?: number;
  /** Default 256, or all rows where there are fewer. */
  readonly batch?: number;
  /** Default 2e-3. */
  readonly learningRate?: number;
  /** Default 0.05. */
  readonly weightDecay?: number;
}

/** A linear classifier over features. */
export interface Probe {
  /** (classes, width) */
  readonly weight: Float32Array;
  /** (classes) */
  readonly bias: Float32Array;
}

/** Of the features that it looks at. */
export const probeWidth = ({ weight, bias }: Probe): number => weight.length / bias.length;

/**
 * Fits a linear classifier (cross-entropy, AdamW, cosine) to features (count, width) with labels (count). Rows whose label is below 0 are
 * passed over.
 *
 * @throws AbortedError when the signal fires
 */
export async function fitProbe(
  features: TensorData<"float32">,
  labels: Int32Array,
  options: ProbeOptions,
): Promise<Probe> {
  const { classes, epochs = 15, learningRate = 2e-3, weightDecay = 0.05, seed, signal } = options;
  const rows = Int32Array.from([...labels.keys()].filter((row) => labels[row]! >= 0));
  const batch = Math.min(options.batch ?? 256, rows.length);
  const { graph, state, shapes } = probeStep(batch, features.shape[1]!, classes, weightDecay);
  const session = await options.createSession(
    lower(graph, { parametersAs: "inputs", target: options.target ?? "onnxruntime" }),
    { state },
  );
  const steps = Math.floor(rows.length / batch);
  const schedule = {
    baseRate: learningRate,
    warmupRate: 0,
    minimumRate: 0,
    warmupSteps: 0,
    totalSteps: epochs * steps,
  };
  const optimizer = adamW();
  let pending: Record<string, TensorData> = Object.fromEntries(
    [...shapes].map(([name, shape]) => [name, tensor("float32", shape, new Float32Array(elementCount(shape)))]),
  );
  try {
    for (let t = 0; t < schedule.totalSteps; t++) {
      if (signal?.aborted === true) throw new AbortedError("fitting the teacher's classifier", signal.reason);
      if (t % steps === 0) new RandomSource(seed, `probe/${t / steps}`).shuffle(rows);
      const chosen = rows.subarray((t % steps) * batch, ((t % steps) + 1) * batch);
      const scalars = { learning_rate: cosineRate(schedule, t), ...optimizer.scalars(t + 1) };
      const feeds = {
        ...pending,
        features: gatherRows(features, chosen),
        targets: oneHot(labels, chosen, classes),
        ...Object.fromEntries(
          Object.entries(scalars).map(([name, value]) => [name, tensor("float32", [], Float32Array.of(value))]),
        ),
      };
      await session.run(feeds, { outputs: ["loss"] });
      pending = {};
    }
    const { weight, bias } = await session.readState!(["weight", "bias"]);
    return { weight: toFloat32(weight!), bias: toFloat32(bias!) };
  } finally {
    await session.dispose();
  }
}

/** A probe and how good it is. */
export interface ScoredProbe {
  readonly probe: Probe;
  /** Share of the rows held out for which it is right, 0..1; undefined where there were none. */
  readonly accuracy: number | undefined;
}

/**
 * Fits a linear classifier to all rows but those held out, and says how often it is right there.
 *
 * @throws AbortedError when the signal fires
 */
export async function fitScoredProbe(
  features: TensorData<"float32">,
  labels: Int32Array,
  isHeldOut: (row: number) => boolean,
  options: ProbeOptions,
): Promise<ScoredProbe> {
  const probe = await fitProbe(
    features,
    labels.map((label, row) => (isHeldOut(row) ? -1 : label)),
    options,
  );
  const rows = Int32Array.from([...labels.keys()].filter((row) => labels[row]! >= 0 && isHeldOut(row)));
  if (rows.length === 0) return { probe, accuracy: undefined };
  const { classes } = options;
  const logits = applyProbe(probe, gatherRows(features, rows)).data;
  const right = rows.filter((row, i) => isRight(logits.subarray(i * classes, (i + 1) * classes), labels[row]!));
  return { probe, accuracy: right.length / rows.length };
}

/** Whether the label's score is above all others. */
export function isRight(scores: Float32Array, label: number): boolean {
  return scores.every((score, c) => c === label || score < scores[label]!);
}

/** Logits (count, classes) of features (count, width). */
export function applyProbe(probe: Probe, features: TensorData<"float32">): TensorData<"float32"> {
  const [count, width] = features.shape as [number, number];
  const classes = probe.bias.length;
  const logits = new Float32Array(count * classes);
  for (let row = 0; row < count; row++)
    for (let c = 0; c < classes; c++) {
      let sum = probe.bias[c]!;
      for (let k = 0; k < width; k++) sum += probe.weight[c * width + k]! * features.data[row * width + k]!;
      logits[row * classes + c] = sum;
    }
  return tensor("float32", [count, classes], logits);
}

/** One update as a graph, which of its inputs come from the step before, and their shapes. */
function probeStep(batch: number, width: number, classes: number, weightDecay: number) {
  const graph = new Graph();
  const scope = new Scope(graph);
  const features = graph.input("features", [batch, width]);
  const targets = graph.input("targets", [batch, classes]);
  const weight = scope.parameter("weight", [classes, width], { kind: "zeros" });
  const bias = scope.parameter("bias", [classes], { kind: "zeros" });
  const loss = softCrossEntropy(gemm(features, weight, bias, { transposeB: true }), targets);
  const gradients = differentiate(loss, [weight, bias]);
  const optimizer = adamW();
  const scalar = (name: string) => graph.input(name, []);
  const scalars = { learningRate: scalar("learning_rate"), extra: { bias1: scalar("bias1"), bias2: scalar("bias2") } };
  const shapes = new Map<string, readonly number[]>();
  const parameters = [
    { name: "weight", value: weight, shape: [classes, width], weightDecay },
    { name: "bias", value: bias, shape: [classes], weightDecay: 0 },
  ];
  parameters.forEach(({ name, value, shape, weightDecay: decay }, i) => {
    const stateNames = optimizer.stateNames.map((state) => `${state}.${name}`);
    const states = stateNames.map((state) => graph.input(state, shape));
    const update = optimizer.update(value, gradients[i]!, states, scalars, { weightDecay: decay, rateScale: 1 });
    graph.output(`next.${name}`, update.parameter);
    for (const [s, state] of stateNames.entries()) graph.output(`next.${state}`, update.states[s]!);
    for (const key of [name, ...stateNames]) shapes.set(key, shape);
  });
  graph.output("loss", loss);
  return { graph, state: Object.fromEntries([...shapes.keys()].map((name) => [name, `next.${name}`])), shapes };
}

export function gatherRows(features: TensorData<"float32">, rows: Int32Array): TensorData<"float32"> {
  const width = features.shape[1]!;
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(features.data.subarray(row * width, (row + 1) * width), i * width);
  });
  return tensor("float32", [rows.length, width], out);
}

function oneHot(labels: Int32Array, rows: Int32Array, classes: number): TensorData<"float32"> {
  const out = new Float32Array(rows.length * classes);
  rows.forEach((row, i) => {
    out[i * classes + labels[row]!] = 1;
  });
  return tensor("float32", [rows.length, classes], out);
}
