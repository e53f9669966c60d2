// What only Swin's windows have: the squares that merging joins, the mask of shifted windows, and the distances of their cells.
import { concat, expand, matMul, minimum, reshape, values } from "../../graph/build.ts";
import { resizeTaps } from "../../graph/resize-taps.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { Order } from "../../nn/windows.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import type { Extent } from "../image-size.ts";

/** The four cells of every 2 x 2 square beside each other, column by column; odd maps are padded (timm's PatchMerging). */
export function bySquare({ height, width }: Extent): Order {
  const order: number[] = [];
  for (let top = 0; top < height; top += 2)
    for (let left = 0; left < width; left += 2)
      for (let x = left; x < left + 2; x++)
        for (let y = top; y < top + 2; y++) order.push(y < height && x < width ? y * width + x : -1);
  return order;
}

/**
 * What is added to the scores of cells that are no neighbours and stand in one window only because the map was rolled. timm adds -100, whose
 * exponential is a denormal number: products with those take many times as long. This one's is zero, also in half precision.
 */
const APART = -1e4;

/** (windows, 1, area, area): 0, or APART. The last row and column of windows hold cells from both ends of the map. */
export function shiftMask(graph: Graph, map: Extent, window: Extent, shift: Extent): Tensor {
  const area = window.height * window.width;
  const rows = Math.ceil(map.height / window.height);
  const columns = Math.ceil(map.width / window.width);
  const cells = Array.from({ length: area }, (_, i) => i);
  /** The mask of windows in which the first `size - shift` rows (or columns) come from one end and the rest from the other. */
  const split = (size: number, by: number, position: (cell: number) => number) => {
    const fromStart = cells.map((cell) => by > 0 && position(cell) >= size - by);
    return cells.flatMap((a) => cells.map((b) => (fromStart[a] === fromStart[b] ? 0 : APART)));
  };
  const alongRows = split(window.height, shift.height, (cell) => Math.floor(cell / window.width));
  const alongColumns = split(window.width, shift.width, (cell) => cell % window.width);
  // Small constants that are spread out: engines do that once, when they load a model, and files stay small.
  const atTheEnd = (count: number, last: readonly number[], axis: 0 | 1) => {
    const shape = (n: number) => [1, 1, area, area].with(axis, n);
    const own = values(graph, shape(1), last);
    return count === 1 ? own : concat([expand(values(graph, [1], [0]), shape(count - 1)), own], axis);
  };
  const both = minimum(atTheEnd(rows, alongRows, 0), atTheEnd(columns, alongColumns, 1)); // (rows, columns, area, area)
  return reshape(both, [rows * columns, 1, area, area]);
}

/** By window: every block of every stage asks for them, and large windows have hundreds of thousands. */
const knownPositions = new Map<string, TensorData>();

/** Row of the bias table for each pair of cells, int64 (area * area): by how far they are apart, (2h - 1) x (2w - 1) possibilities. */
export function relativePositions({ height, width }: Extent): TensorData {
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
export function biasTableFor(table: Tensor, learned: Extent, window: Extent): Tensor {
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
