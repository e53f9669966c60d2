// Where tokens stand: row by row, window by window, or window by window after a shift. Blocks only ever need another order of the same
// tokens, so going from one to the next is one gather of whole tokens, and shifting and cutting windows costs nothing beside it.
import { concat, expand, gather, minimum, pad, reshape, values, wholes } from "../../graph/build.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import type { Extent } from "../image-size.ts";

/** At each place, the row-by-row index of the cell that stands there; -1 for padding. */
export type Order = readonly number[];

export function rowByRow({ height, width }: Extent): Order {
  return Array.from({ length: height * width }, (_, i) => i);
}

/**
 * Window by window, row by row inside. The map is rolled up and left by `shift`, then padded at the bottom and at the right to whole
 * windows (timm/models/swin_transformer.py SwinTransformerBlock._attn).
 */
export function byWindow(map: Extent, window: Extent, shift: Extent): Order {
  const order: number[] = [];
  for (let top = 0; top < map.height; top += window.height)
    for (let left = 0; left < map.width; left += window.width)
      for (let y = top; y < top + window.height; y++)
        for (let x = left; x < left + window.width; x++)
          order.push(
            y < map.height && x < map.width
              ? ((y + shift.height) % map.height) * map.width + ((x + shift.width) % map.width)
              : -1,
          );
  return order;
}

/** The four cells of every 2 x 2 square beside each other, column by column; odd maps are padded (timm's PatchMerging). */
export function bySquare({ height, width }: Extent): Order {
  const order: number[] = [];
  for (let top = 0; top < height; top += 2)
    for (let left = 0; left < width; left += 2)
      for (let x = left; x < left + 2; x++)
        for (let y = top; y < top + 2; y++) order.push(y < height && x < width ? y * width + x : -1);
  return order;
}

/** Tokens and the order they are in. */
export interface OrderedTokens {
  /** (N, places, width) */
  readonly tokens: Tensor;
  readonly order: Order;
}

/** Reorders tokens. The same two orders share their index tensor. */
export class Reordering {
  readonly #indices = new Map<Order, Map<Order, Tensor>>();

  constructor(readonly graph: Graph) {}

  /** The same tokens in another order, zeros at its padding. */
  to(order: Order, { tokens, order: from }: OrderedTokens): Tensor {
    if (order === from || (order.length === from.length && order.every((cell, i) => cell === from[i]))) return tokens;
    const source = order.includes(-1) ? pad(tokens, [0, 0, 0], [0, 1, 0]) : tokens;
    return gather(source, this.#index(from, order), 1);
  }

  /** For each place of an order, the place of another order where its token stands; the one after the last for padding. */
  #index(from: Order, to: Order): Tensor {
    const indices = this.#indices.get(from) ?? new Map<Order, Tensor>();
    this.#indices.set(from, indices);
    const known = indices.get(to);
    if (known !== undefined) return known;
    const placeOf = new Map(from.map((cell, place) => [cell, place]));
    const places = to.map((cell) => (cell === -1 ? from.length : placeOf.get(cell)!));
    const index = wholes(this.graph, places);
    indices.set(to, index);
    return index;
  }
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

/** Row of the bias table for each pair of cells, (area * area): by how far they are apart, (2h - 1) x (2w - 1) possibilities. */
export function relativePositions({ height, width }: Extent): number[] {
  const cells = Array.from({ length: height * width }, (_, i) => ({ y: Math.floor(i / width), x: i % width }));
  return cells.flatMap((a) => cells.map((b) => (a.y - b.y + height - 1) * (2 * width - 1) + (a.x - b.x + width - 1)));
}
