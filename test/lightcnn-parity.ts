// A Light CNN golden as a model, and its numbers against an engine's.
import { expect } from "vitest";
import { fitWeights, inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat32 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference } from "./golden-case.ts";

/** The official classes, by the names that they go by in the official training program. */
const MODELS: Readonly<Record<string, string>> = {
  LightCNN_9Layers: "LightCNN-9",
  LightCNN_29Layers: "LightCNN-29",
  LightCNN_29Layers_v2: "LightCNN-29v2",
  LightCNN_V4: "LightCNN-V4",
};

/** The case, with weights that fit with nothing missing and nothing left over, and the picture as pictures are here: red first. */
export function lightcnnCase(name: string) {
  const golden = loadGolden(name)!;
  const { class: official, num_classes = 0 } = golden.config as { class: string; num_classes?: number };
  const definition = defineModel("lightcnn", { model: MODELS[official], num_classes });
  const graph = inferenceGraph(definition, {}, { layers: [...golden.outputs.keys()].flatMap(layerOf) });
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  const weights = fitWeights(graph, adopted, name);
  expect(parameterCount(graph)).toBe(golden.json.parameters);
  return { golden, graph, weights, image: redFirst(golden.image) };
}

/** "block3[:16]" are the first channels of the layer block3. */
const layerOf = (output: string) => /^(.*)\[:16\]$/.exec(output)?.slice(1) ?? [];

function redFirst(image: TensorData<"float32">): TensorData {
  const [count, channels, height, width] = image.shape as [number, number, number, number];
  const plane = height * width;
  const turned = Float32Array.from(image.data, (_, at) => {
    const channel = Math.floor(at / plane) % channels;
    return image.data[at + (channels - 1 - 2 * channel) * plane]!;
  });
  return tensor("float32", [count, channels, height, width], turned);
}

export async function expectLightcnnParity(
  name: string,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const { golden, graph, weights, image } = lightcnnCase(name);
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  expectOutputs(golden, await session.run({ image }));
}

function expectOutputs(golden: GoldenCase, outputs: Readonly<Record<string, TensorData>>): void {
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  for (const [name, expected] of golden.outputs) {
    const [layer] = layerOf(name);
    const actual = layer === undefined ? outputs[name]! : firstChannels(outputs[layer]!, expected.shape[1]!);
    expect(maxDifference(actual, expected), name).toBeLessThan(1e-4 + 4 * errors[name]!);
  }
}

/** (N, channels, H, W) of a map with more. */
function firstChannels(map: TensorData, channels: number): TensorData {
  const [count, all, height, width] = map.shape as [number, number, number, number];
  const size = channels * height * width;
  const shape = [count, channels, height, width];
  const all32 = toFloat32(map);
  const picked = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const n = Math.floor(i / size);
    return all32[n * all * height * width + (i % size)]!;
  });
  return tensor("float32", shape, picked);
}
