// A GLSim golden as a model, and its numbers against an engine's.
import { expect } from "vitest";
import { fitWeights, inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat32, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference } from "./golden-case.ts";

const FIELDS = [
  "num_classes",
  "image_size",
  "hidden_size",
  "intermediate_size",
  "num_hidden_layers",
  "num_attention_heads",
  "layer_norm_eps",
  "dynamic_top",
  "aggregator_num_hidden_layers",
] as const;

/** What the cases know besides the answer. */
const LAYERS = ["similarity", "crop", "tokens"] as const;

/** The case, with weights that fit with nothing missing and nothing left over. Names have the prefix of released files. */
export function glsimCase(name: string) {
  const golden = loadGolden(name)!;
  const own = FIELDS.map((field) => [field, golden.config[field]]);
  const patch_size = (golden.config.patch_size as readonly number[])[0];
  const definition = defineModel("glsim", { ...Object.fromEntries(own), patch_size });
  const graph = inferenceGraph(definition, {}, { layers: LAYERS });
  const released = new Map([...golden.weights].map(([key, value]) => [`model.${key}`, value]));
  const adopted = definition.architecture.adoptWeights(released, definition.config);
  const unread = golden.weights.get("anchor_class_token")!;
  expect(parameterCount(graph) + elementCount(unread.shape)).toBe(golden.json.parameters);
  return { golden, graph, weights: fitWeights(graph, adopted, name) };
}

export async function expectGlsimParity(
  name: string,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const { golden, graph, weights } = glsimCase(name);
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  expectOutputs(golden, await session.run({ image: golden.image }));
}

/** Boxes and chosen patches are equal, everything else within the golden's tolerance. */
function expectOutputs(golden: GoldenCase, outputs: Readonly<Record<string, TensorData>>): void {
  const { outputs: expected } = golden;
  const side = golden.image.shape[2]!;
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  const within = (name: string, actual: TensorData, factor = 4) =>
    expect(maxDifference(actual, expected.get(name)!), name).toBeLessThan(1e-4 + factor * errors[name]!);

  const boxes = toFloat64(expected.get("boxes")!); // rows from, to; columns from, to
  const regions = [...toFloat64(outputs["gaze.0.regions"]!)].map((edge) => edge * side); // x1, y1, x2, y2
  regions.forEach((edge, i) => {
    const [picture, which] = [Math.floor(i / 4), i % 4];
    const official = boxes[4 * picture + [2, 0, 3, 1][which]!]!;
    expect(Math.round(edge), `edge ${which} of box ${picture}`).toBe(official);
    expect(edge).toBeCloseTo(official, 3);
  });
  expect(mostAlike(outputs.similarity!, expected.get("indices")!.shape[1]!)).toEqual([
    ...toFloat64(expected.get("indices")!),
  ]);

  within("logits", outputs.logits!);
  within("similarity", outputs.similarity!);
  within("crops", everyEighth(outputs.crop!));
  within("tokens", firstPatches(outputs.tokens!, expected.get("tokens")!), 20);
}

/** Which patches are most like the whole, the most similar first. */
function mostAlike(similarity: TensorData, count: number): number[] {
  const [pictures, patches] = similarity.shape as [number, number];
  const all = toFloat64(similarity);
  return Array.from({ length: pictures }, (_, n) => {
    const own = all.slice(n * patches, (n + 1) * patches);
    return [...own.keys()].sort((a, b) => own[b]! - own[a]!).slice(0, count);
  }).flat();
}

/** Every eighth row and column. */
function everyEighth(map: TensorData): TensorData {
  const [count, channels, height, width] = map.shape as [number, number, number, number];
  const [rows, columns] = [height / 8, width / 8];
  const all = toFloat32(map);
  const picked = Float32Array.from({ length: count * channels * rows * columns }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    return all[(plane * height + 8 * row) * width + 8 * column]!;
  });
  return tensor("float32", [count, channels, rows, columns], picked);
}

/** The patches' tokens in the place of the case's, which begin with the class token: that has no layer of its own, and is what the similarity is of. */
function firstPatches(patches: TensorData, official: TensorData): TensorData {
  const [count, tokens, width] = official.shape as [number, number, number];
  const [, all] = patches.shape as [number, number];
  const own = toFloat32(patches);
  const values = toFloat32(official).map((value, i) => {
    const [n, token, at] = [Math.floor(i / (tokens * width)), Math.floor(i / width) % tokens, i % width];
    return token === 0 ? value : own[(n * all + token - 1) * width + at]!;
  });
  return tensor("float32", [count, tokens, width], values);
}
