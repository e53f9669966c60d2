// Distillation without its cost: a teacher sees every training picture once, a linear classifier is fitted to its features, and what that
// classifier thinks of each picture is kept as soft knowledge for all epochs.

import type { Dataset } from "../data/dataset.ts";
import type { Loader } from "../data/loader.ts";
import { SaccadeError } from "../errors.ts";
import { gemm } from "../graph/build.ts";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { Scope } from "../graph/scope.ts";
import { Graph } from "../graph/tensor.ts";
import { lower } from "../onnx/lower.ts";
import { RandomSource } from "../random.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { type TensorData, tensor, toFloat32 } from "../tensor.ts";
import { softCrossEntropy } from "./losses.ts";
import { adamW } from "./optimizers/adamw.ts";
import { cosineRate } from "./schedule.ts";

export interface ProbeOptions {
  readonly classes: number;
  /** Default 15. */
  readonly epochs?: number;
  /** Default 256. */
  readonly batch?: number;
  /** Default 2e-3. */
  readonly learningRate?: number;
  /** Default 0.05. */
  readonly weightDecay?: number;
  readonly seed: number;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
}

/** A linear classifier over features. */
export interface Probe {
  /** (classes, width) */
  readonly weight: Float32Array;
  /** (classes) */
  readonly bias: Float32Array;
}

/** Fits a linear classifier (cross-entropy, AdamW, cosine) to features (count, width) with labels (count). */
export async function fitProbe(
  features: TensorData<"float32">,
  labels: Int32Array,
  options: ProbeOptions,
): Promise<Probe> {
  const [count, width] = features.shape as [number, number];
  const { classes, epochs = 15, batch = 256, learningRate = 2e-3, weightDecay = 0.05 } = options;
  const graph = probeStep(batch, width, classes, weightDecay);
  const state = Object.fromEntries(
    [...graph.outputs.keys()].filter((name) => name.startsWith("next.")).map((name) => [name.slice(5), name]),
  );
  const session = await options.createSession(lower(graph, { parametersAs: "inputs" }), { device: "auto", state });
  const steps = Math.floor(count / batch);
  let pending: Record<string, TensorData> = Object.fromEntries(
    Object.keys(state).map((name) => {
      const shape = name.endsWith("bias") ? [classes] : [classes, width];
      return [name, tensor("float32", shape, new Float32Array(shape.reduce((a, b) => a * b, 1)))];
    }),
  );
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const optimizer = adamW();
  let t = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const random = new RandomSource(options.seed, `probe/${epoch}`);
    for (let i = count - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    for (let s = 0; s < steps; s++) {
      const rate = cosineRate(
        { baseRate: learningRate, warmupRate: 0, minimumRate: 0, warmupSteps: 0, totalSteps: epochs * steps },
        t++,
      );
      const scalars = { learning_rate: rate, ...optimizer.scalars(t) };
      const rows = order.subarray(s * batch, (s + 1) * batch);
      await session.run(
        {
          ...pending,
          features: gatherRows(features, rows),
          targets: oneHot(labels, rows, classes),
          ...Object.fromEntries(
            Object.entries(scalars).map(([name, value]) => [name, tensor("float32", [], Float32Array.of(value))]),
          ),
        },
        { outputs: ["loss"] },
      );
      pending = {};
    }
  }
  const { weight, bias } = await session.readState!(["weight", "bias"]);
  await session.dispose();
  return { weight: toFloat32(weight!), bias: toFloat32(bias!) };
}

export interface TeachOptions {
  /** ONNX bytes of a picture model with an output `features` (N, width). */
  readonly teacher: Uint8Array;
  readonly dataset: Dataset;
  /** The data set's pictures in its own order, prepared as the teacher wants them; rows that cannot be read are blank. */
  readonly loader: Loader;
  readonly distillation: { readonly weight: number; readonly temperature: number };
  readonly seed: number;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  readonly onProgress?: (done: number) => void;
}

/** Shows every picture to the teacher once and gives the data set its soft labels, and how often the fitted classifier is right on it. */
export async function teachWith(options: TeachOptions): Promise<{ dataset: Dataset; accuracy: number }> {
  const { dataset, loader, createSession } = options;
  const features = await extractFeatures(options);
  loader.takeStatistics();
  const probe = await fitProbe(features, dataset.targets, {
    classes: dataset.labels.length,
    seed: options.seed,
    createSession,
  });
  const logits = applyProbe(probe, features);
  const classes = dataset.labels.length;
  const right = dataset.targets.reduce((sum, target, row) => {
    const scores = logits.data.subarray(row * classes, (row + 1) * classes);
    return sum + (scores.every((score, c) => c === target || score < scores[target]!) ? 1 : 0);
  }, 0);
  return { dataset: withTeacher(dataset, logits, options.distillation), accuracy: right / dataset.length };
}

async function extractFeatures(options: TeachOptions): Promise<TensorData<"float32">> {
  const { dataset, loader, onProgress } = options;
  const session = await options.createSession(options.teacher, {});
  let all: Float32Array | undefined;
  let width = 0;
  let row = 0;
  try {
    for await (const batch of loader.batches({ untilEpoch: 1 })) {
      const outputs = await session.run({ [session.inputs[0]!.name]: batch.images }, { outputs: ["features"] });
      const features = toFloat32(outputs.features!);
      width = features.length / batch.labels.length;
      all ??= new Float32Array(dataset.length * width);
      all.set(features, row * width);
      row += batch.labels.length;
      onProgress?.(row);
    }
  } finally {
    await session.dispose();
  }
  if (all === undefined) throw new SaccadeError("train", "the teacher saw no pictures");
  return tensor("float32", [dataset.length, width], all);
}

/**
 * The data set with soft labels: `weight` of each label is what the teacher thinks, softened by `temperature`, the rest the label itself.
 * logits (length, classes).
 */
export function withTeacher(
  dataset: Dataset,
  logits: TensorData<"float32">,
  options: { readonly weight: number; readonly temperature: number },
): Dataset {
  const classes = dataset.labels.length;
  const soften = (index: number): Float32Array => {
    const row = logits.data.subarray(index * classes, (index + 1) * classes);
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const soft = row.map((value) => Math.exp((value - largest) / options.temperature));
    const sum = soft.reduce((a, b) => a + b, 0);
    return soft.map(
      (value, c) => (options.weight * value) / sum + (c === dataset.targets[index] ? 1 - options.weight : 0),
    );
  };
  return { ...dataset, item: async (index) => ({ ...(await dataset.item(index)), softLabel: soften(index) }) };
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

function probeStep(batch: number, width: number, classes: number, weightDecay: number): Graph {
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
  const parameters = [
    { name: "weight", value: weight, shape: [classes, width] },
    { name: "bias", value: bias, shape: [classes] },
  ];
  parameters.forEach(({ name, value, shape }, i) => {
    const stateNames = optimizer.stateNames.map((state) => `${state}.${name}`);
    const states = stateNames.map((state) => graph.input(state, shape));
    const update = optimizer.update(value, gradients[i]!, states, scalars, {
      weightDecay: name === "bias" ? 0 : weightDecay,
      rateScale: 1,
    });
    graph.output(`next.${name}`, update.parameter);
    for (const [s, state] of stateNames.entries()) graph.output(`next.${state}`, update.states[s]!);
  });
  graph.output("loss", loss);
  return graph;
}

function gatherRows(features: TensorData<"float32">, rows: Uint32Array): TensorData<"float32"> {
  const width = features.shape[1]!;
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(features.data.subarray(row * width, (row + 1) * width), i * width);
  });
  return tensor("float32", [rows.length, width], out);
}

function oneHot(labels: Int32Array, rows: Uint32Array, classes: number): TensorData<"float32"> {
  const out = new Float32Array(rows.length * classes);
  rows.forEach((row, i) => {
    out[i * classes + labels[row]!] = 1;
  });
  return tensor("float32", [rows.length, classes], out);
}
