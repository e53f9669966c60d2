// Parity of one TSM golden with an engine: what the fast and the slow suites share.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { fitWeights, frameGraph, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";
import { clipsOf, goldenFrames } from "./golden-clips.ts";

/** Official fields, without those that describe the case and not the model. */
function tsmCase(name: string) {
  const golden = loadGolden(name)!;
  const { clips: _, frames, shift_blocks, ...config } = golden.config;
  const { architecture, config: parsed } = defineModel("tsm", config);
  const definition = { architecture, config: parsed };
  const adopted = architecture.adoptWeights(golden.weights, parsed);
  const segments = (frames ?? config.num_segments) as number;
  return { golden, definition, adopted, segments };
}

/** The case's model and clips; stages whose numbers it has are outputs too. Weights fit with nothing missing and nothing left over. */
function clipCase(name: string) {
  const { golden, definition, adopted, segments } = tsmCase(name);
  const stages = [...golden.outputs.keys()].filter((output) => output.startsWith("layer"));
  const layers = stages.map((stage) => stage.replace("layer", "base_model.stage."));
  const graph = inferenceGraph(definition, {}, { layers });
  const image = clipsOf(goldenFrames(golden), segments);
  return { golden, graph, weights: fitWeights(graph, adopted, name), image, stages };
}

function expectOutputs(
  golden: GoldenCase,
  stages: readonly string[],
  outputs: (name: string) => TensorData | undefined,
  tolerance?: number,
): void {
  for (const name of ["logits", "frame_logits"]) {
    const expected = golden.outputs.get(name);
    if (expected === undefined) continue;
    const difference = maxDifference(reshaped(outputs(name), expected.shape), expected);
    expect(difference, `${golden.name}: ${name}`).toBeLessThan(tolerance ?? toleranceOf(golden, name));
  }
  for (const stage of stages) {
    const expected = meansOfAxis1(golden.outputs.get(stage)!);
    const actual = outputs(stage.replace("layer", "base_model.stage."))!;
    const every = actual.shape[1]! / expected.shape[1]!;
    const difference = maxDifference(spatialMeans(actual, every), expected);
    expect(difference, `${golden.name}: ${stage}`).toBeLessThan(tolerance ?? toleranceOf(golden, stage));
  }
}

/** (clips, frames, channels) -> (clips, channels): a layer is named once a clip. */
function meansOfAxis1(value: TensorData): TensorData {
  const [clips, frames, channels] = value.shape as [number, number, number];
  const data = toFloat64(value);
  const mean = (clip: number, channel: number) =>
    Array.from({ length: frames }, (_, t) => data[(clip * frames + t) * channels + channel]!).reduce((a, b) => a + b) /
    frames;
  const means = Array.from({ length: clips * channels }, (_, i) => mean(Math.floor(i / channels), i % channels));
  return tensor("float64", [clips, channels], Float64Array.from(means));
}

/** (clips, channels, h, w) -> (clips, every so manieth channel) */
function spatialMeans(value: TensorData, every: number): TensorData {
  const [clips, channels, height, width] = value.shape as [number, number, number, number];
  const data = toFloat64(value);
  const plane = height * width;
  const mean = (at: number) => data.subarray(at * plane, (at + 1) * plane).reduce((a, b) => a + b) / plane;
  const kept = channels / every;
  const means = Array.from({ length: clips * kept }, (_, i) =>
    mean(Math.floor(i / kept) * channels + (i % kept) * every),
  );
  return tensor("float64", [clips, kept], Float64Array.from(means));
}

function reshaped(value: TensorData | undefined, shape: readonly number[]): TensorData | undefined {
  return value === undefined ? undefined : ({ ...value, shape } as TensorData);
}

/** The interpreter computes in float64, as the goldens were: only their storage rounds. */
export function expectInterpreterParity(name: string): void {
  const { golden, graph, weights, image, stages } = clipCase(name);
  const outputs = interpret(graph, { inputs: { image }, parameters: weights });
  expectOutputs(golden, stages, (output) => outputs.get(output), 2e-5);
}

export async function expectSessionParity(
  name: string,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const { golden, graph, weights, image, stages } = clipCase(name);
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  const outputs = await session.run({ image });
  expectOutputs(golden, stages, (output) => outputs[output]);
}

/** One frame after another, what is remembered of each held inside the engine. */
export async function expectFrameByFrameParity(name: string, device: "cpu" | "wasm"): Promise<void> {
  const { golden, definition, adopted } = tsmCase(name);
  const frames = goldenFrames(golden);
  const [count, , height, width] = frames.shape as [number, number, number, number];
  const { graph, state, start } = frameGraph(definition, { height, width });
  const weights = fitWeights(graph, adopted, name);
  const bytes = lower(graph, { parameters: weights, target: device === "cpu" ? "onnxruntime" : "portable" });
  await using session = await nodeHost.createSession(bytes, { device, state });
  const logits: number[] = [];
  const size = frames.data.length / count;
  for (let frame = 0; frame < count; frame++) {
    const image = tensor("float32", [1, 3, height, width], frames.data.slice(frame * size, (frame + 1) * size));
    const outputs = await session.run({ image, ...(frame === 0 ? start : {}) }, { outputs: ["logits"] });
    logits.push(...toFloat64(outputs.logits!));
  }
  const expected = golden.outputs.get("frame_logits")!;
  const actual = tensor("float64", expected.shape, Float64Array.from(logits));
  expect(maxDifference(actual, expected), name).toBeLessThan(toleranceOf(golden, "frame_logits"));
  const remembered = await session.readState!();
  const buffers = [...golden.outputs.keys()].filter((output) => output.startsWith("buffer."));
  expect(Object.keys(remembered)).toHaveLength(buffers.length);
  for (const buffer of buffers) {
    const means = spatialMeans(remembered[buffer.replace("buffer", "state")]!, 1);
    expect(maxDifference(means, golden.outputs.get(buffer)!), buffer).toBeLessThan(1e-4);
  }
}
