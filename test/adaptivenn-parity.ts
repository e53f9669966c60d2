// Parity of one AdaptiveNN golden with an engine: what the fast and the slow suites share.
import { expect } from "vitest";
import { reshape } from "../src/graph/build.ts";
import { trace } from "../src/graph/scope.ts";
import type { Graph, Tensor } from "../src/graph/tensor.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { type AdaptivennConfig, gridSides } from "../src/models/adaptivenn/config.ts";
import { chooseAction, fixate, focusAlone, glance, stateValue } from "../src/models/adaptivenn/model.ts";
import { placesOf, spread } from "../src/models/adaptivenn/state.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, hashedValues, maxDifference } from "./golden-case.ts";

export function adaptivennModel(golden: GoldenCase) {
  return nativeModel(defineModel("adaptivenn", golden.config), golden.weights, { name: golden.name });
}

/** The case's pictures: waves, and noise on them. */
export function goldenPictures({ image }: GoldenCase): TensorData<"float32"> {
  const noise = hashedValues("noise", image.data.length, 0.25, 0, 0);
  return tensor(
    "float32",
    image.shape,
    Float32Array.from(image.data, (value, i) => value + noise[i]!),
  );
}

/** Everything that a case may hold, and `spread.T`, what is scattered, which follows from what it holds. */
function partsGraph(config: AdaptivennConfig): Graph {
  const mode = Mode.inference();
  return trace((scope) => {
    const image = scope.graph.input("image", [2, 3, config.image_size, config.image_size]);
    const outputs: Record<string, Tensor> = { focus_only_logits: focusAlone(scope, image, config, mode) };
    const first = glance(scope, image, config, mode);
    outputs["logits.0"] = first.logits;
    outputs["state.0"] = first.state;
    let { state } = first;
    for (let step = 0; step < config.fixations; step++) {
      const at = step + 1;
      const action = chooseAction(scope, state, step, config);
      outputs[`actions.${step}`] = action;
      outputs[`values.${step}`] = reshape(stateValue(scope, state, step, config), [2]);
      const { logits, region, parts, state: next } = fixate(scope, image, state, action, step, config, mode);
      outputs[`logits.${at}`] = logits;
      outputs[`crop.${at}`] = parts.patch;
      outputs[`context.${at}`] = parts.context;
      outputs[`recover_weights.${at}`] = parts.shares;
      outputs[`spread.${at}`] = spread(parts.shares, placesOf(region, gridSides(config).focus), config);
      outputs[`state.${at}`] = next;
      state = next;
    }
    return outputs;
  });
}

/** Compares all that a case has with what an engine gives, each output with its own tolerance. */
export async function expectAdaptivennParity(golden: GoldenCase, device: "cpu" | "wasm"): Promise<void> {
  const { definition, weights } = adaptivennModel(golden);
  const config = definition.config as AdaptivennConfig;
  const target = device === "cpu" ? "onnxruntime" : "portable";
  const bytes = lower(partsGraph(config), { parameters: weights, target });
  await using session = await nodeHost.createSession(bytes, { device });
  const outputs = await session.run({ image: goldenPictures(golden) });
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  for (const [name, expected] of golden.outputs) {
    if (name.startsWith("neighbour")) continue; // of which `spread` is made
    const actual = outputs[name] ?? stackOf(outputs, name, expected.shape[0]!);
    const tolerance = 1e-4 + 4 * errors[name]!;
    expect(maxDifference(partOf(actual, expected), expected), `${golden.name}: ${name}`).toBeLessThan(tolerance);
  }
  for (let at = 1; at <= config.fixations; at++) {
    const expected = scattered(golden, at, gridSides(config).state ** 2);
    const tolerance = 1e-4 + 4 * errors[`recover_weights.${at}`]!;
    const difference = maxDifference(partOf(outputs[`spread.${at}`]!, expected), expected);
    expect(difference, `${golden.name}: spread.${at}`).toBeLessThan(tolerance);
  }
}

/** NAME.0, NAME.1, … along a new first axis. */
function stackOf(outputs: Readonly<Record<string, TensorData>>, name: string, count: number): TensorData {
  const parts = Array.from({ length: count }, (_, i) => outputs[`${name}.${i}`]!);
  const data = Float32Array.from(parts.flatMap((part) => [...toFloat64(part)]));
  return tensor("float32", [count, ...parts[0]!.shape], data);
}

/** What a case keeps of an output: all of it, or every n-th channel or pixel, and of inner values often the first picture alone. */
function partOf(value: TensorData, { shape }: TensorData): TensorData {
  let own = value;
  if (own.shape.length > shape.length) own = firstOf(own);
  for (const [axis, size] of shape.entries()) {
    const step = Math.ceil(own.shape[axis]! / size);
    if (step > 1) own = every(own, axis, step);
  }
  return own;
}

function firstOf({ shape, ...value }: TensorData): TensorData {
  const rest = shape.slice(1);
  return tensor("float32", rest, Float32Array.from(toFloat64({ shape, ...value }).subarray(0, elementCount(rest))));
}

/** Every `step`-th along an axis. */
function every(value: TensorData, axis: number, step: number): TensorData {
  const { shape } = value;
  const kept = Math.ceil(shape[axis]! / step);
  const inner = elementCount(shape.slice(axis + 1));
  const data = toFloat64(value);
  const size = shape.map((length, i) => (i === axis ? kept : length));
  const out = Float32Array.from({ length: elementCount(size) }, (_, at) => {
    const k = Math.floor(at / inner) % kept;
    const outer = Math.floor(at / (inner * kept));
    return data[(outer * shape[axis]! + k * step) * inner + (at % inner)]!;
  });
  return tensor("float32", size, out);
}

/** The first picture's weights, scattered to the cells that the case says they belong to: (tokens, cells). */
function scattered(golden: GoldenCase, at: number, cells: number): TensorData {
  const weights = golden.outputs.get(`recover_weights.${at}`)!;
  const [tokens, count] = weights.shape as [number, number];
  const [w, index, mask] = ["recover_weights", "neighbours", "neighbour_mask"].map((name) =>
    toFloat64(golden.outputs.get(`${name}.${at}`)!),
  ) as [Float64Array, Float64Array, Float64Array];
  const out = new Float32Array(tokens * cells);
  for (let i = 0; i < tokens * count; i++) out[Math.floor(i / count) * cells + index[i]!]! += w[i]! * mask[i]!;
  return tensor("float32", [tokens, cells], out);
}
