// Attention inside windows that may be shifted (Liu et al., "Swin Transformer", ICCV 2021): the mask of shifted windows, and biases for how two cells of a window lie to each
// other. Names as official: `relative_position_bias_table`.
import { add, concat, constant, expand, gather, matMul, minimum, reshape, transpose, values } from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import { resizeTaps } from "../graph/resize-taps.ts";
import type { Scope } from "../graph/scope.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { type TensorData, tensor } from "../tensor.ts";
import { fixedDim, TRUNCATED_NORMAL_002 } from "./linear.ts";
import type { TokenGrid } from "./windows.ts";

/**
 * What is added to the scores of cells that are no neighbours and stand in one window only because the map was rolled. timm adds -100, whose
 * exponential is a denormal number: products with those take many times as long. This one's is zero, also in half precision.
 */
const APART = -1e4;

/** (windows, 1, area, area): 0, or APART. The last row and column of windows hold cells from both ends of the map. */
export function shiftMask(graph: Graph, map: TokenGrid, window: TokenGrid, shift: TokenGrid): Tensor {
  const area = window.height * window.width;
  const rows = Math.ceil(map.height / window.height);
  const columns = Math.ceil(map.width / window.width);
  // Small constants that are spread out: engines do that once, when they load a model, and files stay small.
  const atTheEnd = (count: number, last: TensorData, axis: 0 | 1) => {
    const own = constant(graph, last);
    const others = [1, 1, area, area].with(axis, count - 1);
    return count === 1 ? own : concat([expand(values(graph, [1], [0]), others), own], axis);
  };
  const both = minimum(
    atTheEnd(rows, split(window, "height", shift.height), 0),
    atTheEnd(columns, split(window, "width", shift.width), 1),
  ); // (rows, columns, area, area)
  return reshape(both, [rows * columns, 1, area, area]);
}

/** By window, side and shift. */
const knownSplits = new Map<string, TensorData>();

/** (1, 1, area, area): the mask of windows in which the last `by` rows (or columns) come from the other end of the map than the rest. */
function split(window: TokenGrid, side: "height" | "width", by: number): TensorData {
  const key = `${window.height} x ${window.width} ${side} ${by}`;
  const known = knownSplits.get(key);
  if (known !== undefined) return known;
  const area = window.height * window.width;
  const isApart = Uint8Array.from({ length: area }, (_, cell) => {
    const position = side === "height" ? Math.floor(cell / window.width) : cell % window.width;
    return position >= window[side] - by ? 1 : 0;
  });
  const mask = new Float32Array(area * area);
  for (let a = 0; a < area; a++)
    for (let b = 0; b < area; b++) if (isApart[a] !== isApart[b]) mask[a * area + b] = APART;
  const made = tensor("float32", [1, 1, area, area], mask);
  knownSplits.set(key, made);
  return made;
}

/** By window: every block of every stage asks for them, and large windows have hundreds of thousands. */
const knownPositions = new Map<string, TensorData>();

/** Row of the bias table for each pair of cells, int64 (area * area): by how far they are apart, (2h - 1) x (2w - 1) possibilities. */
export function relativePositions({ height, width }: TokenGrid): TensorData {
  const key = `${height} x ${width}`;
  const known = knownPositions.get(key);
  if (known !== undefined) return known;
  const area = height * width;
  const rows = new BigInt64Array(area * area);
  for (let a = 0; a < area; a++)
    for (let b = 0; b < area; b++) {
      const down = Math.floor(a / width) - Math.floor(b / width) + height - 1;
      rows[a * area + b] = BigInt(down * (2 * width - 1) + (a % width) - (b % width) + width - 1);
    }
  const positions = tensor("int64", [area * area], rows);
  knownPositions.set(key, positions);
  return positions;
}

/**
 * A table ((2h - 1) * (2w - 1), heads) of one window -> that of another, bilinear as the official Expedit resizes it when windows shrink
 * (projects/dino/modeling/backbone/hourglass_swin.py resize_rpb_table).
 */
export function biasTableFor(table: Tensor, learned: TokenGrid, window: TokenGrid): Tensor {
  if (window.height === learned.height && window.width === learned.width) return table;
  const down = resizeTaps(2 * learned.height - 1, 2 * window.height - 1, "linear", false);
  const across = resizeTaps(2 * learned.width - 1, 2 * window.width - 1, "linear", false);
  const columns = 2 * learned.width - 1;
  const old = fixedDim(table, 0);
  const shares = new Float32Array(down.length * across.length * old);
  let row = 0;
  for (const y of down)
    for (const x of across) {
      for (const a of y) for (const b of x) shares[row + a.cell * columns + b.cell]! += a.share * b.share;
      row += old;
    }
  return matMul(values(table.graph, [down.length * across.length, old], shares), table);
}

/** Adds to scores (N * windows, heads, area, area) of tokens (N, windows * area, width): `near` (heads, area, area), the mask (windows, 1, area, area). */
export function withBiases(near: Tensor, mask: Tensor | undefined, tokens: Tensor): (scores: Tensor) => Tensor {
  return (scores) => {
    if (mask === undefined) return add(scores, near);
    const [n, places] = tokens.shape as [Dim, number];
    const [heads, area] = near.shape as [number, number];
    const byPicture = reshape(scores, [n, places / area, heads, area, area]);
    return reshape(add(byPicture, add(mask, near)), scores.shape);
  };
}

/** A table of distances, (distances, heads) -> each pair of cells of the window, (heads, area, area). */
export function byPair(table: Tensor, window: TokenGrid): Tensor {
  const area = window.height * window.width;
  const pairs = gather(table, constant(table.graph, relativePositions(window)), 0); // (area * area, heads)
  return transpose(reshape(pairs, [area, area, table.shape[1]!]), [2, 0, 1]);
}

/**
 * (heads, area, area): a learned bias for each way in which two cells of a window can lie to each other.
 *
 * @param learned the window that the table is for, where it is another one
 */
export function positionBias(scope: Scope, window: TokenGrid, heads: number, learned: TokenGrid = window): Tensor {
  const distances = (2 * learned.height - 1) * (2 * learned.width - 1);
  const table = scope.parameter("relative_position_bias_table", [distances, heads], TRUNCATED_NORMAL_002);
  return byPair(biasTableFor(table, learned, window), window);
}
