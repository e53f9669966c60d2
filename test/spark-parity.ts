// A SparK golden as a graph of one training step (maps, reconstruction, loss, gradients, running statistics), and its numbers against an engine's.
import { expect } from "vitest";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../src/graph/tensor.ts";
import { fitWeights, initialWeights } from "../src/models/graph.ts";
import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { sparseEncoder, visibleMaps } from "../src/train/pretext/spark/encoder.ts";
import { hiddenPatchLoss, reconstruction } from "../src/train/pretext/spark/reconstruction.ts";
import { type GoldenCase, hashedValues, loadGolden, maxDifference } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";

interface OfficialConfig {
  readonly model: "ResNet" | "ConvNeXt";
  readonly block?: string;
  readonly layers?: readonly number[];
  readonly depths?: readonly number[];
  readonly dims?: readonly number[];
  readonly decoder_width: number;
}

interface SparkCase {
  readonly golden: GoldenCase;
  /** Waves and noise. */
  readonly image: TensorData<"float32">;
  readonly definition: ModelDefinition;
  readonly visible: TensorData<"float32">;
  readonly decoderWidth: number;
}

const IN_ENCODER = "sparse_encoder.sp_cnn.";
/** Where what is no part of the network is in these graphs. */
const AUXILIARY = "spark";

function sparkCase(name: string): SparkCase {
  const golden = loadGolden(name)!;
  const official = golden.config as unknown as OfficialConfig;
  const { model, block, layers, depths, dims, decoder_width: decoderWidth } = official;
  const definition =
    model === "ResNet"
      ? defineModel("resnet", { block, layers, num_classes: 1 })
      : defineModel("convnext", { depths, dims, ls_init_value: 1, num_classes: 1 });
  const active = golden.json.active as number[][][];
  const [batch, rows, columns] = [active.length, active[0]!.length, active[0]![0]!.length];
  const visible = tensor("float32", [batch, 1, rows, columns], Float32Array.from(active.flat(2)));
  const noise = hashedValues("noise", golden.image.data.length, 0.7, 0, golden.json.salt as number);
  const image = tensor(
    "float32",
    golden.image.shape,
    golden.image.data.map((value, i) => value + noise[i]!),
  );
  return { golden, image, definition, visible, decoderWidth };
}

/** The official code's name of a parameter -> ours. */
function ownNames({ golden, definition }: SparkCase): Map<string, string> {
  const names = [...golden.weights.keys()].filter((name) => !name.endsWith("num_batches_tracked"));
  // Renaming is asked for one tensor at a time, so that it says what became of each: values with their names.
  const inEncoder = names.filter((name) => name.startsWith(IN_ENCODER));
  const bare = new Map(inEncoder.map((name) => [name.slice(IN_ENCODER.length), golden.weights.get(name)!]));
  const adopted = definition.architecture.adoptWeights(bare, definition.config);
  const byValue = new Map([...adopted].map(([name, { data }]) => [data, name]));
  return new Map(
    names.map((name) => [
      name,
      name.startsWith(IN_ENCODER) ? byValue.get(golden.weights.get(name)!.data)! : `${AUXILIARY}.${name}`,
    ]),
  );
}

interface SparkStep {
  readonly graph: Graph;
  readonly weights: Map<string, TensorData>;
  readonly inputs: Record<string, TensorData>;
}

/** The graph whose outputs are called as the golden calls them. */
function sparkStep(wanted: SparkCase, mode: Mode = Mode.training()): SparkStep {
  const { golden, image: pictures, definition, visible: active, decoderWidth } = wanted;
  const graph = new Graph();
  const scope = new Scope(graph);
  const image = graph.input("image", pictures.shape);
  const visible = graph.input("visible", active.shape);
  const { maps, dense, picture } = reconstruction({
    encoder: sparseEncoder(definition),
    scope,
    auxiliary: scope.at(AUXILIARY),
    image,
    visible,
    mode,
    decoderWidth,
  });
  const loss = hiddenPatchLoss(image, picture, visible);
  const outputs = new Map<string, Tensor>([
    ["loss", loss],
    ["reconstruction", picture],
  ]);
  // The golden counts maps from the largest, and what is filled in from the smallest.
  for (const [i, map] of maps.toReversed().entries()) outputs.set(`encoder.${i}`, map!);
  for (const [i, map] of dense.entries()) outputs.set(`densified.${i}`, map!);
  const names = ownNames(wanted);
  if (mode.training) {
    const trained = golden.json.parameter_order_of_grad_norms as string[];
    const parameters = trained.map((name) => widen(graph.parameters.get(names.get(name)!)!.tensor));
    for (const [i, gradient] of differentiate(loss, parameters).entries()) outputs.set(`grad.${trained[i]}`, gradient);
    for (const [official, own] of names) {
      const after = mode.bufferUpdates.get(own);
      if (after !== undefined) outputs.set(`after.${official}`, after);
    }
  }
  for (const [name, value] of outputs) graph.output(name, value);
  const adopted = new Map([...names].map(([official, own]) => [own, golden.weights.get(official)!]));
  for (const [own, value] of adopted) {
    const declared = graph.parameters.get(own)?.shape;
    if (declared !== undefined) adopted.set(own, { ...value, shape: declared } as TensorData);
  }
  return {
    graph,
    weights: fitWeights(graph, adopted, golden.name),
    inputs: { image: pictures, visible: active },
  };
}

/** The largest difference, of what the golden keeps of a value, over the largest of its values. */
function relative(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / largest;
}

/**
 * @param exact by how much values may be off
 * @param gradients the same of gradients, over the largest of each: batch normalisation makes those of float32 noisy
 */
function expectSparkStep(
  { golden }: SparkCase,
  outputs: (name: string) => TensorData | undefined,
  { exact, gradients }: { readonly exact: number; readonly gradients: number },
): void {
  const trained = golden.json.parameter_order_of_grad_norms as string[];
  for (const [name, expected] of golden.outputs) {
    const wanted = [...toFloat64(expected)];
    if (name === "patch_loss_input" || name.startsWith("eval.")) continue;
    if (name === "grad_norms") {
      const largest = Math.max(...wanted);
      for (const [i, norm] of wanted.entries()) {
        const actual = Math.sqrt(toFloat64(outputs(`grad.${trained[i]}`)!).reduce((sum, x) => sum + x * x, 0));
        expect(Math.abs(actual - norm), `${name} of ${trained[i]}`).toBeLessThan(
          gradients * (2 * norm + 0.1 * largest),
        );
      }
      continue;
    }
    if (name.startsWith("grad.")) {
      expect(relative([...toFloat64(outputs(name)!)], wanted), name).toBeLessThan(gradients);
      continue;
    }
    const [source, kept] = name.split(".sum_over_space") as [string, string | undefined];
    const value = outputs(source)!;
    const actual = kept === undefined ? firstOf(value, expected.shape) : sumsOverSpace(value);
    const scale = kept === undefined ? 1 : Math.max(1, ...wanted.map(Math.abs));
    const worst = Math.max(...wanted.map((x, i) => Math.abs(x - actual[i]!))) / scale;
    expect(worst, name).toBeLessThan(exact);
  }
}

/** The first items and channels of a map, or all of another value. */
function firstOf(value: TensorData, shape: readonly number[]): number[] {
  const all = [...toFloat64(value)];
  if (shape.length < 4) return all;
  const [items, channels] = shape as [number, number];
  const [, own, height, width] = value.shape as [number, number, number, number];
  const plane = height * width;
  return Array.from({ length: items }, (_, n) => all.slice(n * own * plane, (n * own + channels) * plane)).flat();
}

/** (N, C, H, W) -> N * C sums. */
function sumsOverSpace(value: TensorData): number[] {
  const all = toFloat64(value);
  const [items, channels, height, width] = value.shape as [number, number, number, number];
  const plane = height * width;
  return Array.from({ length: items * channels }, (_, i) =>
    all.slice(i * plane, (i + 1) * plane).reduce((sum, x) => sum + x, 0),
  );
}

export async function expectSparkParity(
  name: string,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable",
): Promise<void> {
  const wanted = sparkCase(name);
  const outputs = await run(sparkStep(wanted), device, target);
  const exact = 1e-4 + 4 * wanted.golden.float32Error;
  expectSparkStep(wanted, (output) => outputs[output], { exact, gradients: 1e-2 });
}

/** The interpreter computes in float64, as the goldens were: only their storage rounds. */
export function expectInterpretedSpark(name: string): void {
  const wanted = sparkCase(name);
  const { graph, weights, inputs } = sparkStep(wanted);
  const outputs = interpret(graph, { inputs, parameters: weights });
  expectSparkStep(wanted, (output) => outputs.get(output), { exact: 2e-5, gradients: 1e-4 });
}

/** The loss in evaluation, with the running statistics that one training step left. */
export async function expectEvaluatedLoss(name: string): Promise<void> {
  const wanted = sparkCase(name);
  const after = await run(sparkStep(wanted), "cpu", "onnxruntime");
  const { graph, weights, inputs } = sparkStep(wanted, Mode.inference());
  for (const [official, own] of ownNames(wanted)) {
    const moved = after[`after.${official}`];
    if (moved !== undefined) weights.set(own, moved);
  }
  const { loss } = await run({ graph, weights, inputs }, "cpu", "onnxruntime");
  const expected = Number(wanted.golden.outputs.get("eval.loss")!.data[0]);
  expect(Math.abs(Number(loss!.data[0]) - expected)).toBeLessThan(1e-4);
}

async function run({ graph, weights, inputs }: SparkStep, device: "cpu" | "wasm", target: "onnxruntime" | "portable") {
  const bytes = lower(graph, { parameters: weights, target });
  await using session = await nodeHost.createSession(bytes, { device, threads: 1 });
  return await session.run(inputs);
}

/** A toy of a registered model in training, on a picture of two by two patches, of which those on the diagonal are seen. */
export async function expectNoLeak(name: string): Promise<void> {
  const encoder = sparseEncoder(defineModel(name, toyOf(name).config));
  const side = 2 * encoder.patch;
  const graph = new Graph();
  const visible = graph.input("visible", [1, 1, 2, 2]);
  const image = graph.input("image", [1, 3, side, side]);
  const maps = visibleMaps(encoder, new Scope(graph), image, visible, Mode.training());
  for (const [i, map] of maps.entries()) if (map !== undefined) graph.output(`map.${i}`, map);
  // Dropped branches would be equal whatever they saw.
  const kept = [...graph.inputs].map(([input, { shape }]) => {
    const sizes = shape.map(Number);
    return [input, tensor("float32", sizes, new Float32Array(elementCount(sizes)).fill(1))] as const;
  });
  const bytes = lower(graph, { parameters: initialWeights(graph, 0), target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device: "cpu", threads: 1 });
  const look = (pixels: Float32Array) =>
    session.run({
      ...Object.fromEntries(kept),
      visible: tensor("float32", [1, 1, 2, 2], Float32Array.of(1, 0, 0, 1)),
      image: tensor("float32", [1, 3, side, side], pixels),
    });
  const picture = hashedValues("picture", 3 * side * side, 1, 0, 0);
  const changedAt = (row: number, column: number) =>
    picture.map((value, i) => {
      const [y, x] = [Math.floor((i % (side * side)) / side), i % side];
      const isThere = Math.floor((2 * y) / side) === row && Math.floor((2 * x) / side) === column;
      return isThere ? 7 - 30 * value : value;
    });
  const own = await look(picture);
  const hidden = await look(changedAt(0, 1));
  const seen = await look(changedAt(1, 1));
  expect(Object.keys(own)).toContain("map.3");
  for (const [map, value] of Object.entries(own)) {
    expect(maxDifference(hidden[map], value), map).toBe(0);
    expect(maxDifference(seen[map], value), map).toBeGreaterThan(0);
  }
}
