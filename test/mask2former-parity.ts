// A case of Mask2Former's head against every engine: the encoder after each layer, the predictions after each decoder layer, what the gate says, and the answer for
// every exit.
import { expect } from "vitest";
import { add } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph, type Tensor } from "../src/graph/tensor.ts";
import { fitWeights } from "../src/models/graph.ts";
import { layerOf } from "../src/models/layers.ts";
import { mask2formerSchema } from "../src/models/mask2former/config.ts";
import { mask2formerHead } from "../src/models/mask2former/model.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type HashedTensor, hashedTensor, loadGolden, maxDifference } from "./golden-case.ts";

export function mask2formerCase(name: string) {
  const golden = loadGolden(name)!;
  const { channels: _, hidden_dim: __, sizes: ___, ...fields } = golden.config;
  const config = mask2formerSchema.parse({ ...fields, gate: true });
  const { levels } = golden.json.input as { levels: HashedTensor[] };
  const salt = golden.json.salt as number;
  const features = Object.fromEntries(levels.map((level) => [level.name, hashedTensor(level, salt)]));
  return { golden, config, features };
}

/** Everything that a case has numbers of, under its names, in one graph. */
function graphOf({ golden, config, features }: ReturnType<typeof mask2formerCase>): Graph {
  const graph = new Graph();
  const scope = new Scope(graph).at("sem_seg_head");
  const maps = Object.entries(features).map(([name, { shape }]) => graph.input(name, shape));
  // Nothing of the head is random in training, which gives what every layer said.
  const at = (exit: number) => mask2formerHead(scope, maps, { ...config, exit }, Mode.training());
  const whole = at(config.encoder_layers);
  const output = (name: string, value: Tensor | undefined) => {
    if (golden.outputs.has(name)) graph.output(name, value!);
  };
  output("gate.logits", whole.gate_logits);
  // Ours counts from the first exit on.
  output("gate.exit", add(whole.exit!, 2));
  for (let i = 0; i <= config.decoder_layers; i++) {
    const prefix = i === config.decoder_layers ? "" : `aux.${i}.`;
    output(`decoder.${i}.logits`, whole[`${prefix}class_logits`]);
    output(`decoder.${i}.masks`, whole[`${prefix}mask_logits`]);
  }
  for (let exit = 1; exit <= config.encoder_layers; exit++)
    output(`encoder.${exit}`, layerOf(graph, `sem_seg_head.encoder.${exit}`));
  output("mask_features", layerOf(graph, "sem_seg_head.mask_features"));
  for (let exit = 2; exit < config.encoder_layers; exit++) {
    const early = at(exit);
    output(`exit.${exit}.logits`, early.class_logits);
    output(`exit.${exit}.masks`, early.mask_logits);
  }
  return graph;
}

export async function expectMask2formerParity(name: string, engine: "interpreter" | "cpu" | "wasm"): Promise<void> {
  const wanted = mask2formerCase(name);
  const { golden, features } = wanted;
  const graph = graphOf(wanted);
  expect([...graph.outputs.keys()].sort()).toEqual([...golden.outputs.keys()].sort());
  const weights = fitWeights(graph, golden.weights, name); // nothing missing, nothing left over
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  const outputs = await run();
  for (const [output, expected] of golden.outputs) {
    // The interpreter computes in float64, as the case was: only storing and the constants of positions round, by a share of the largest value.
    const largest = toFloat64(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const tolerance = engine === "interpreter" ? 1e-5 + 1e-6 * largest : 1e-4 + 4 * errors[output]!;
    expect(maxDifference(everyNth(outputs[output]!, expected.shape), expected), output).toBeLessThan(tolerance);
  }

  async function run(): Promise<Readonly<Record<string, TensorData>>> {
    if (engine === "interpreter")
      return Object.fromEntries(interpret(graph, { inputs: features, parameters: weights }));
    const target = engine === "wasm" ? "portable" : "onnxruntime";
    await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), {
      device: engine,
    });
    return await session.run(features);
  }
}

/** Cases hold every n-th entry along some axes: what ours has there. */
function everyNth(value: TensorData, shape: readonly number[]): TensorData {
  const steps = value.shape.map((size, axis) => {
    for (let step = 1; step <= size; step++) if (Math.ceil(size / step) === shape[axis]) return step;
    throw new Error(`${size} entries are fewer than ${shape[axis]}`);
  });
  const all = toFloat64(value);
  const out = new Float64Array(elementCount(shape));
  for (let i = 0; i < out.length; i++) {
    let [rest, at, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]!) * steps[axis]! * stride;
      rest = Math.floor(rest / shape[axis]!);
      stride *= value.shape[axis]!;
    }
    out[i] = all[at]!;
  }
  return tensor("float64", shape, out);
}
