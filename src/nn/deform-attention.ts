// Multi-scale deformable attention (Zhu et al., Deformable DETR, ICLR 2021): each query reads a few points of several maps, and weights them. Names and numbers
// of the official code (fundamentalvision/Deformable-DETR models/ops/modules/ms_deform_attn.py): `sampling_offsets`, `attention_weights`, `value_proj`,
// `output_proj`.
import { add, gridSample, mul, reduceSum, reshape, slice, softmax, sub, transpose, values } from "../graph/build.ts";
import { type Dim, multiplyDims } from "../graph/dimensions.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedWidth, linear } from "./linear.ts";

/** Height and width of a map. */
export type MapSize = readonly [height: number, width: number];

/**
 * The bare operation.
 *
 * @param value (N, S, heads, d): the maps' cells row by row, one map after another
 * @param sizes of the maps, S cells together
 * @param locations (N, Q, heads, levels, points, 2) as x, y, where 0 and 1 are a map's edges; beyond them values are zero
 * @param weights (N, Q, heads, levels * points)
 * @returns (N, Q, heads * d)
 */
export function deformableRead(value: Tensor, sizes: readonly MapSize[], locations: Tensor, weights: Tensor): Tensor {
  const [n, , heads, d] = value.shape as [Dim, Dim, number, number];
  const [, queries, , , points] = locations.shape as [Dim, Dim, number, number, number];
  const rows = multiplyDims(n, heads);
  const grid = sub(mul(locations, 2), 1);
  const byHead = transpose(weights, [0, 2, 1, 3]); // (N, heads, Q, levels * points)
  let first = 0;
  const parts = sizes.map(([height, width], level) => {
    const cells = slice(value, 1, first, first + height * width); // (N, cells, heads, d)
    first += height * width;
    const map = reshape(transpose(cells, [0, 2, 3, 1]), [rows, d, height, width]);
    const own = reshape(slice(grid, 3, level, level + 1), [n, queries, heads, points, 2]);
    const places = reshape(transpose(own, [0, 2, 1, 3, 4]), [rows, queries, points, 2]);
    const read = gridSample(map, places, { padding: "zeros" }); // (N * heads, d, Q, points)
    const share = slice(byHead, 3, level * points, (level + 1) * points);
    return reduceSum(mul(read, reshape(share, [rows, 1, queries, points])), 3); // (N * heads, d, Q)
  });
  const sum = reshape(parts.reduce(add), [n, heads, d, queries]);
  return reshape(transpose(sum, [0, 3, 1, 2]), [n, queries, heads * d]);
}

export interface DeformableAttentionOptions {
  readonly heads: number;
  /** That each head reads of each map. */
  readonly points: number;
  /** Height and width of the maps. */
  readonly sizes: readonly MapSize[];
}

/**
 * @param query (N, Q, width)
 * @param references (N or 1, Q, levels, 2) as x, y in 0..1: around where each query reads each map. Offsets are in cells of the map that is read.
 * @param cells (N, S, width): what is read, the maps' cells row by row, one map after another
 * @returns (N, Q, width)
 */
export function deformableAttention(
  scope: Scope,
  query: Tensor,
  references: Tensor,
  cells: Tensor,
  { heads, points, sizes }: DeformableAttentionOptions,
): Tensor {
  return scope.run(() => {
    const width = fixedWidth(query);
    const levels = sizes.length;
    const [n, queries] = query.shape as [Dim, Dim];
    const value = linear(scope.at("value_proj"), cells, width, { weightInit: xavier(width, width) });
    const moves = linear(scope.at("sampling_offsets"), query, heads * levels * points * 2, {
      weightInit: { kind: "zeros" },
      biasInit: { kind: "values", values: circles(heads, levels, points) },
    });
    const scores = linear(scope.at("attention_weights"), query, heads * levels * points, {
      weightInit: { kind: "zeros" },
    });
    const cell = values(
      query.graph,
      [1, 1, 1, levels, 1, 2],
      sizes.flatMap(([height, width]) => [1 / width, 1 / height]),
    );
    const around = reshape(references, [references.shape[0]!, references.shape[1]!, 1, levels, 1, 2]);
    const locations = add(mul(reshape(moves, [n, queries, heads, levels, points, 2]), cell), around);
    const weights = softmax(reshape(scores, [n, queries, heads, levels * points]));
    const all = reshape(value, [n, cells.shape[1]!, heads, width / heads]);
    const read = deformableRead(all, sizes, locations, weights);
    return linear(scope.at("output_proj"), read, width, { weightInit: xavier(width, width) });
  });
}

const xavier = (fanIn: number, fanOut: number): Initializer => ({
  kind: "xavierUniformBlocks",
  blocks: [[fanIn, fanOut]],
});

/** Where heads look at first: each into its own direction, the k-th point k cells away. */
function circles(heads: number, levels: number, points: number): number[] {
  return Array.from({ length: heads }, (_, head) => {
    const angle = (head * 2 * Math.PI) / heads;
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    const longest = Math.max(Math.abs(x), Math.abs(y));
    const one = Array.from({ length: points }, (_, i) => [(x / longest) * (i + 1), (y / longest) * (i + 1)]);
    return Array.from({ length: levels }, () => one);
  }).flat(3);
}
