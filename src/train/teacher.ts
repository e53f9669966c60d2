// Distillation without its cost: a teacher sees every training picture once, a linear classifier is fitted to its features, and what that
// classifier thinks of each picture is kept as soft knowledge for all epochs.
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
