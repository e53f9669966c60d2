// Attention that knows how far apart two cells of a map lie, down and across, each by a table of vectors that queries are compared with (decomposed
// relative positions of MViTv2, Li et al., CVPR 2022). Reproduces facebookresearch/segment-anything, segment_anything/modeling/image_encoder.py
// Attention, get_rel_pos and add_decomposed_rel_pos.
import { add, gather, matMul, mul, reshape, transpose, values, wholes } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import { resizeTaps } from "../../graph/resize-taps.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { TokenGrid } from "../../nn/windows.ts";
import type { SamConfig } from "./config.ts";

/**
 * x (n, cells, width) -> the same shape, the cells row by row of `grid`.
 *
 * @param learned the grid that the block was trained for: its tables have a row for every distance there, and are interpolated for another grid
 */
export function samAttention(scope: Scope, x: Tensor, grid: TokenGrid, learned: TokenGrid, config: SamConfig): Tensor {
  const { num_heads: heads, embed_dim, qkv_bias: qkvBias } = config;
  if (!config.use_rel_pos) return selfAttention(scope, x, heads, { qkvBias });
  const width = embed_dim / heads;
  const table = (name: string, size: number, learnedSize: number) => {
    const rows = scope.parameter(name, [2 * learnedSize - 1, width], { kind: "zeros" });
    // Queries come scaled, and the official code compares those that are not.
    return distances(mul(rows, Math.sqrt(width)), size);
  };
  const down = table("rel_pos_h", grid.height, learned.height); // (height, height, w)
  const across = table("rel_pos_w", grid.width, learned.width); // (width, width, w)
  const adjustScores = (scores: Tensor, query: Tensor) => addPositions(scores, query, grid, down, across);
  return selfAttention(scope, x, heads, { qkvBias, adjustScores });
}

/** rows (2 old - 1, w), one a distance from the farthest before to the farthest behind, -> (size, size, w): that of each query's place to each key's. */
function distances(rows: Tensor, size: number): Tensor {
  const old = fixedDim(rows, 0);
  const count = 2 * size - 1;
  const resized = old === count ? rows : matMul(interpolation(rows, old, count), rows); // (2 size - 1, w)
  const places = Array.from({ length: size * size }, (_, i) => Math.floor(i / size) - (i % size) + size - 1);
  return reshape(gather(resized, wholes(rows.graph, places), 0), [size, size, rows.shape[1]!]);
}

/** (count, old): linear, as PyTorch's interpolate has it. */
function interpolation({ graph }: Tensor, old: number, count: number): Tensor {
  const shares = new Float32Array(count * old);
  resizeTaps(old, count, "linear", false).forEach((taps, i) => {
    for (const { cell, share } of taps) shares[i * old + cell]! += share;
  });
  return values(graph, [count, old], shares);
}

/** scores (n, heads, cells, cells) and query (n, heads, cells, w) -> scores with the query's products with the way down and the way across to each key. */
function addPositions(scores: Tensor, query: Tensor, grid: TokenGrid, down: Tensor, across: Tensor): Tensor {
  const { height, width } = grid;
  const [n, heads, cells, w] = query.shape as [Dim, number, number, number];
  const rows = reshape(query, [n, heads, height, width, w]);
  const vertical = matMul(rows, down, { transposeB: true }); // (n, heads, row, column, key's row)
  const columns = transpose(rows, [0, 1, 3, 2, 4]); // (n, heads, column, row, w)
  const horizontal = transpose(matMul(columns, across, { transposeB: true }), [0, 1, 3, 2, 4]); // (n, heads, row, column, key's column)
  // Added one after the other, in place: together they would be as large as the scores, gigabytes where 4096 cells look at all others.
  const byPlace = reshape(scores, [n, heads, cells, height, width]);
  const lifted = add(byPlace, reshape(vertical, [n, heads, cells, height, 1]));
  return reshape(add(lifted, reshape(horizontal, [n, heads, cells, 1, width])), scores.shape);
}
