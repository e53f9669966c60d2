// Plain DETR's decoder: queries see each other, then every cell of one map, told how it lies to the sides of their box (BoxRPB). Reproduces impiga/Plain-DETR,
// models/global_rpe_decomp_decoder.py and models/global_ape_decoder.py.
import { abs, add, concat, log, mul, relu, reshape, sign, slice, sub, transpose, values } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attend, byHead } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { affine, fixedDim, fixedWidth, linear } from "../../nn/linear.ts";
import { memoryMap, type PlainDetrConfig } from "./config.ts";
import { xavier } from "./heads.ts";

/** What all layers read. */
export interface Memory {
  /** (N, h * w, C) */
  readonly tokens: Tensor;
  /** (N or 1, h * w, C) */
  readonly positions: Tensor;
  /** (N, 1, 1, h * w), added to scores: padding counts next to nothing. Absent where pictures are whole. */
  readonly padding?: Tensor;
}

const EPSILON = 1e-5;

/**
 * One layer. states and positions (N, Q, C), boxes (N, Q, 4) of centres and sizes in pixels -> (N, Q, C).
 *
 * @param groups queries of each kind; kinds do not see each other
 */
export function decoderLayer(
  scope: Scope,
  states: Tensor,
  positions: Tensor,
  boxes: Tensor,
  memory: Memory,
  groups: readonly number[],
  config: PlainDetrConfig,
): Tensor {
  return scope.run(() => {
    const { nheads, dim_feedforward } = config;
    const normal = layerNorm(scope.at("norm2"), states, EPSILON);
    const told = add(normal, positions);
    const among = amongQueries(scope.at("self_attn"), told, normal, groups, nheads);
    const mixed = add(states, among);
    const query = add(layerNorm(scope.at("norm1"), mixed, EPSILON), positions);
    const read = add(mixed, readMap(scope.at("cross_attn"), query, boxes, memory, config));
    const width = fixedWidth(states);
    const hidden = relu(linear(scope.at("linear1"), layerNorm(scope.at("norm3"), read, EPSILON), dim_feedforward));
    return add(read, linear(scope.at("linear2"), hidden, width));
  });
}

/** torch.nn.MultiheadAttention: query and key (N, Q, C) alike, value (N, Q, C), each group among itself. */
function amongQueries(scope: Scope, told: Tensor, value: Tensor, groups: readonly number[], heads: number): Tensor {
  const width = fixedWidth(told);
  const weight = scope.parameter("in_proj_weight", [3 * width, width], xavier(width, 3 * width));
  const bias = scope.parameter("in_proj_bias", [3 * width], { kind: "zeros" });
  const third = (i: number, scale = 1) => {
    const own = (all: Tensor) => mul(slice(all, 0, i * width, (i + 1) * width), scale);
    return [own(weight), own(bias)] as const;
  };
  const [query, key] = [third(0, (width / heads) ** -0.5), third(1)].map((own) => affine(told, ...own));
  const content = affine(value, ...third(2));
  let start = 0;
  const mixed = groups.map((size) => {
    const part = (x: Tensor) => byHead(slice(x, 1, start, start + size), heads); // (N, heads, size, C / heads)
    const own = attend(part(query!), part(key!), part(content));
    start += size;
    return own;
  });
  return linear(scope.at("out_proj"), concat(mixed, 1), width);
}

/** query (N, Q, C) -> (N, Q, C) */
function readMap(scope: Scope, query: Tensor, boxes: Tensor, memory: Memory, config: PlainDetrConfig): Tensor {
  const width = fixedWidth(query);
  const heads = config.nheads;
  const near = config.decoder_type === "global_ape" ? undefined : boxBias(scope, boxes, config);
  const q = byHead(mul(linear(scope.at("q"), query, width), (width / heads) ** -0.5), heads);
  const k = byHead(linear(scope.at("k"), add(memory.tokens, memory.positions), width), heads);
  const v = byHead(linear(scope.at("v"), memory.tokens, width), heads);
  const read = attend(q, k, v, (scores) => {
    const told = near === undefined ? scores : add(scores, near);
    return memory.padding === undefined ? told : add(told, memory.padding);
  });
  return linear(scope.at("proj"), read, width);
}

/**
 * BoxRPB: boxes (N, Q, 4) in pixels -> (N, heads, Q, h * w), what is added to scores. Distances to a box's left and right, and those to its top and bottom, go
 * through a network each, whose answers are added: so it takes h + w of them for a query and not h * w.
 */
function boxBias(scope: Scope, boxes: Tensor, config: PlainDetrConfig): Tensor {
  const { height, width, stride } = memoryMap(config);
  const along = (axis: 0 | 1, cells: number) => {
    const [middle, size] = [axis, 2 + axis].map((i) => slice(boxes, 2, i, i + 1));
    const half = mul(size!, 0.5);
    const sides = concat([sub(middle!, half), add(middle!, half)], 2); // (N, Q, 2)
    const [n, queries] = sides.shape as [Dim, Dim];
    const places = Array.from({ length: cells }, (_, i) => (i + 0.5) * stride);
    const distance = sub(reshape(sides, [n, queries, 1, 2]), values(boxes.graph, [1, 1, cells, 1], places));
    const network = scope.at(axis === 0 ? "cpb_mlp1" : "cpb_mlp2");
    const told = config.decoder_rpe_type === "linear" ? distance : logarithmic(distance);
    const hidden = relu(linear(network.at(0), told, config.decoder_rpe_hidden_dim)); // (N, Q, cells, hidden)
    return transpose(linear(network.at(2), hidden, config.nheads, { bias: false }), [0, 3, 1, 2]); // (N, heads, Q, cells)
  };
  const [across, down] = [along(0, width), along(1, height)];
  const [n, heads, queries] = across.shape as [Dim, number, Dim];
  const both = add(reshape(down, [n, heads, queries, height, 1]), reshape(across, [n, heads, queries, 1, width]));
  return reshape(both, [n, heads, queries, height * width]);
}

/** sign(x) log8(1 + |x|) */
function logarithmic(x: Tensor): Tensor {
  return mul(sign(x), mul(log(add(abs(x), 1)), 1 / Math.log(8)));
}

/** (N, Q, C) -> (N, first of them, C) and the rest, by the groups' sizes. */
export function apart(x: Tensor, groups: readonly number[]): Tensor[] {
  if (groups.length === 1 && groups[0] === fixedDim(x, 1)) return [x];
  let start = 0;
  return groups.map((size) => {
    start += size;
    return slice(x, 1, start - size, start);
  });
}
