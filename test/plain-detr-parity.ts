// Plain DETR's golden cases: weights, pictures with padding, and where each number of the official code is in ours.
import { expect } from "vitest";
import { concat, reduceSum, reshape, slice, transpose } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph, type Tensor } from "../src/graph/tensor.ts";
import { fitWeights } from "../src/models/graph.ts";
import { layerOf } from "../src/models/layers.ts";
import { memoryMap, type PlainDetrConfig } from "../src/models/plain-detr/config.ts";
import { plainDetr, seenOf } from "../src/models/plain-detr/model.ts";
import { mapWaves } from "../src/models/plain-detr/positions.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat32, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden } from "./golden-case.ts";

interface Args extends Record<string, unknown> {
  readonly num_queries_one2one: number;
  readonly num_queries_one2many: number;
  readonly dec_layers: number;
  readonly reparam: boolean;
}

/** Arguments that the official program has and that are no part of a configuration here. */
const BESIDES = ["backbone", "num_feature_levels", "proposal_feature_levels", "proposal_in_stride"];

function configOf({ config, json }: GoldenCase): PlainDetrConfig {
  const { args, swin_depths } = config as unknown as { args: Args; swin_depths: number[] };
  const { shape } = json.input as { shape: number[] };
  const own = Object.fromEntries(Object.entries(args).filter(([name]) => !BESIDES.includes(name)));
  const described = { ...own, img_size: shape.slice(2), backbone: { depths: swin_depths } };
  return defineModel("plain_detr", described).config as PlainDetrConfig;
}

/** Every `step`-th along an axis. */
const every = (x: Tensor, axis: number, step: number) => slice(x, axis, 0, Number.POSITIVE_INFINITY, step);

/** The graph that gives all numbers of a case under their names. */
function graphOf(golden: GoldenCase) {
  const config = configOf(golden);
  const { shape, sizes } = golden.json.input as { shape: number[]; sizes: number[][] };
  const graph = new Graph();
  const scope = new Scope(graph);
  const isPadded = sizes.some((size) => size.join() !== shape.slice(2).join());
  const extents: { sizes?: Tensor } = isPadded ? { sizes: graph.input("sizes", [shape[0]!, 2]) } : {};
  const outputs = plainDetr(scope, graph.input("image", shape), config, Mode.inference(), { all: true, ...extents });
  const [, , height, width] = shape as [number, number, number, number];
  // Official boxes are pixels where they are changes of others.
  const scale = config.reparam ? [width, height, width, height] : [1, 1, 1, 1];
  const layer = (name: string) => layerOf(graph, name);
  const map = memoryMap(config);
  const states = Array.from({ length: config.dec_layers }, (_, i) => {
    const all = every(layer(`states.${i + 1}`), 2, 8);
    return reshape(all, [1, ...all.shape]);
  });
  const seen = seenOf(graph, config, extents.sizes);
  const counted = { rows: reduceSum(seen.rows, 1), columns: reduceSum(seen.columns, 1) };
  const waves = mapWaves(counted, map, config.hidden_dim / 2, config.position_embedding === "sine");
  const position = slice(waves, 0, 0, 1);
  const found: Record<string, Tensor> = {
    pred_logits: outputs.logits!,
    pred_boxes: outputs.boxes!,
    "aux.0.logits": outputs["aux.0.logits"]!,
    "aux.0.boxes": outputs["aux.0.boxes"]!,
    pred_logits_one2many: outputs["many.logits"]!,
    pred_boxes_one2many: outputs["many.boxes"]!,
    hs: concat(states, 0),
    init_reference: outputs["proposals.chosen"]!,
    proposals: outputs["proposals.places"]!,
    proposal_logits: outputs["proposals.logits"]!,
    "backbone.map": every(layer("map"), 1, 16),
    "position.embedding": every(
      transpose(reshape(position, [1, map.height, map.width, config.hidden_dim]), [0, 3, 1, 2]),
      1,
      16,
    ),
  };
  for (const [name, value] of Object.entries(found))
    graph.output(`golden.${name}`, /logits/.test(name) && name !== "proposal_logits" ? every(value, 2, 6) : value);
  const image = withoutPadding(golden.image, sizes);
  const inputs = {
    image,
    ...(isPadded ? { sizes: tensor("float32", [shape[0]!, 2], Float32Array.from(sizes.flat())) } : {}),
  };
  const adopted = defineModel("plain_detr").architecture.adoptWeights(golden.weights, config);
  return { graph, inputs, scale, weights: fitWeights(graph, adopted, golden.name), names: Object.keys(found) };
}

/** What is outside of each picture's size is zero. */
function withoutPadding(image: TensorData, sizes: readonly (readonly number[])[]): TensorData {
  const [, channels, height, width] = image.shape as [number, number, number, number];
  const values = toFloat32(image).map((value, i) => {
    const [x, y, item] = [i % width, Math.floor(i / width) % height, Math.floor(i / (channels * height * width))];
    const [high, wide] = sizes[item] as [number, number];
    return x < wide && y < high ? value : 0;
  });
  return tensor("float32", image.shape, values);
}

function expectOutputs(
  golden: GoldenCase,
  scale: readonly number[],
  find: (name: string) => TensorData,
  tolerance: (name: string) => number,
): void {
  for (const [name, expected] of golden.outputs) {
    const actual = find(`golden.${name}`);
    const wanted = toFloat64(expected);
    let own = toFloat64(actual);
    if (/boxes/.test(name)) own = own.map((value, i) => value * scale[i % 4]!);
    // Sorted, the best and the first that was not chosen among them.
    if (name === "proposal_logits") own = best(actual, expected.shape[1]!);
    else expect([name, actual.shape]).toEqual([name, expected.shape]);
    expect([name, own.length]).toEqual([name, elementCount(expected.shape)]);
    const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - own[i]!)), 0);
    expect(worst, name).toBeLessThan(tolerance(name));
  }
}

/** logits (N, S, C) of the first class -> (N, count), the largest first. */
function best(logits: TensorData, count: number): Float64Array {
  const [n, cells, classes] = logits.shape as [number, number, number];
  const values = toFloat64(logits);
  const rows = Array.from({ length: n }, (_, item) =>
    Array.from({ length: cells }, (_, cell) => values[(item * cells + cell) * classes]!)
      .sort((a, b) => b - a)
      .slice(0, count),
  );
  return Float64Array.from(rows.flat());
}

export function expectInterpreter(name: string): void {
  const golden = loadGolden(name)!;
  const { graph, inputs, scale, weights, names } = graphOf(golden);
  const outputs = names.map((output) => `golden.${output}`);
  const values = interpret(graph, { inputs, parameters: weights, outputs });
  expectOutputs(
    golden,
    scale,
    (output) => values.get(output)!,
    (output) => (/boxes|reference/.test(output) && scale[0]! > 1 ? 2e-4 : 4e-5),
  );
}

export async function expectSession(name: string, device: "cpu" | "wasm"): Promise<void> {
  const golden = loadGolden(name)!;
  const { graph, inputs, scale, weights, names } = graphOf(golden);
  const outputs = names.map((output) => `golden.${output}`);
  const bytes = lower(graph, { parameters: weights, target: "onnxruntime", outputs });
  await using session = await nodeHost.createSession(bytes, { device, threads: 1 });
  const values = await session.run(inputs, { outputs });
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  // Boxes in pixels are a hundred times as large.
  expectOutputs(
    golden,
    scale,
    (output) => values[output]!,
    (output) => (/boxes|reference/.test(output) ? scale[0]! / 100 : 1) * 1e-4 + 1e-4 + 8 * errors[output]!,
  );
}
