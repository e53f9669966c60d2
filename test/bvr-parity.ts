// The golden of bridging visual representations: hashed maps of a pyramid and of two towers in; heat maps, the chosen points and the refined towers out.
import { expect } from "vitest";
import { concat } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { fitWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import {
  bestKeys,
  type KeypointMaps,
  type KeypointType,
  type Keys,
  keypointMaps,
  rowsAt,
  rowsOf,
} from "../src/models/single-stage/bvr/keypoints.ts";
import type { Level, SingleStageConfig } from "../src/models/single-stage/config.ts";
import { bridged } from "../src/models/single-stage/model.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { type GoldenCase, type HashedTensor, hashedTensor, loadGolden, maxDifference } from "./golden-case.ts";
import { type PartCase, runPart } from "./part-parity.ts";
import { channelsAs } from "./sepc-parity.ts";

export function bvrCase(name: string): PartCase {
  const golden = loadGolden(name)!;
  const config = golden.config as unknown as Readonly<Record<string, number>> & {
    readonly strides: readonly number[];
    readonly positional: { readonly base_size: readonly number[] };
  };
  const { feat_channels, stacked_convs, logits_convs, max_keypoint_num, cross_level_topk, num_heads } = config;
  const { bvr } = defineModel("single_stage", {
    head: { feat_channels, norm_groups: 32 },
    bvr: {
      ...{ feat_channels, stacked_convs, logits_convs, max_keypoint_num, cross_level_topk },
      num_attn_heads: num_heads,
      base_size: config.positional.base_size,
      shared_positional_encoding_outer: true,
    },
  }).config as SingleStageConfig;
  const maps = (golden.json.input as { readonly maps: readonly HashedTensor[] }).maps;
  const levels = config.strides.map((stride, i): Level => {
    const [, , height, width] = maps[i]!.shape;
    return { stride, height: height!, width: width! };
  });
  const graph = trace((scope) => {
    const inputs = (kind: string) =>
      maps.filter((map) => map.name.startsWith(`${kind}.`)).map((map) => scope.graph.input(map.name, map.shape));
    const towers = { classes: inputs("cls_tower"), boxes: inputs("reg_tower") };
    const keypoints = keypointMaps(scope.at("keypoint_head"), inputs("fpn"), config.num_classes!, bvr!);
    const refined = bridged(scope, towers, keypoints, levels, bvr!);
    const keysOf = (type: KeypointType) => bestKeys(keypoints[type], levels, bvr!);
    const [corner, other] = [keysOf("top_left_corner"), keysOf("bottom_right_corner")];
    const center = keysOf("center");
    const chosen = (key: string, { positions, places }: Keys, tower: readonly Tensor[]) => ({
      [`${key}.positions`]: positions,
      [`${key}.features`]: rowsAt(rowsOf(tower), places),
    });
    const named = (key: string, outs: readonly Tensor[]) =>
      Object.fromEntries(outs.map((map, i) => [`${key}.refined.${i}`, map]));
    const level = ({ heats, offsets }: KeypointMaps, i: number) => ({ heat: heats[i]!, offset: offsets[i]! });
    return {
      ...named("cls", refined.classes),
      ...named("reg", refined.boxes),
      ...chosen("cls.center", center, towers.classes),
      ...chosen("reg.top_left_corner", corner, towers.boxes),
      ...chosen("reg.bottom_right_corner", other, towers.boxes),
      "cls.sorted_scores": center.scores,
      "reg.sorted_scores": concat([corner.scores, other.scores], 0),
      "heat.center.1": level(keypoints.center, 1).heat,
      "offset.center.1": level(keypoints.center, 1).offset,
      "heat.top_left.0": level(keypoints.top_left_corner, 0).heat,
    };
  });
  return {
    golden,
    graph,
    inputs: Object.fromEntries(maps.map((spec) => [spec.name, hashedTensor(spec, 0)])),
    weights: fitWeights(graph, golden.weights, name),
  };
}

export function expectBvrInterpreted({ golden, graph, inputs, weights }: PartCase): void {
  const outputs = interpret(graph, { inputs, parameters: weights });
  expectOutputs(
    golden,
    (output) => outputs.get(output)!,
    // Positions are as large as the picture, and goldens are stored as float32.
    (output) => (output.endsWith("positions") ? 4e-5 : 6e-6),
  );
}

export async function expectBvrSession(part: PartCase, device: "cpu" | "wasm"): Promise<void> {
  const { golden } = part;
  const outputs = await runPart(part, device);
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  expectOutputs(
    golden,
    (output) => outputs[output]!,
    (output) => 1e-4 + 4 * (errors[output] ?? 0),
  );
}

function expectOutputs(
  golden: GoldenCase,
  find: (output: string) => TensorData,
  tolerance: (output: string) => number,
): void {
  for (const [output, value] of golden.outputs)
    expect(maxDifference(...comparable(output, find(output), value)), output).toBeLessThan(tolerance(output));
}

/** What a case holds of an output, and the same part of ours. */
function comparable(output: string, found: TensorData, value: TensorData): [TensorData, TensorData] {
  if (output.includes("refined")) return [channelsAs(found, value), value];
  if (output.endsWith("features")) return [everyEighth(found), value];
  // The best that was not chosen is in the case too, to say by how much.
  if (output.endsWith("sorted_scores")) return [found, firstColumns(value, found.shape[1]!)];
  if (output === "heat.top_left.0") return [firstRows(found, value.shape[0]!), value];
  return [found, value];
}

function everyEighth({ shape, data }: TensorData): TensorData {
  const [n, k, width] = shape as [number, number, number];
  const kept = Float32Array.from({ length: (n * k * width) / 8 }, (_, i) => Number(data[i * 8]));
  return tensor("float32", [n, k, width / 8], kept);
}

function firstColumns({ shape, data }: TensorData, columns: number): TensorData {
  const [rows, all] = shape as [number, number];
  const kept = Float32Array.from({ length: rows * columns }, (_, i) =>
    Number(data[Math.floor(i / columns) * all + (i % columns)]),
  );
  return tensor("float32", [rows, columns], kept);
}

function firstRows({ shape, data }: TensorData, rows: number): TensorData {
  const size = shape.slice(1).reduce((a, b) => a * b, rows);
  return tensor(
    "float32",
    [rows, ...shape.slice(1)],
    Float32Array.from({ length: size }, (_, i) => Number(data[i])),
  );
}
