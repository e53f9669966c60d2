// Where the tokens of a map stand: row by row, window by window, or window by window after a shift. Blocks only ever need another order of the same tokens,
// so going from one to the next is one gather of whole tokens, and shifting and cutting windows costs nothing beside it.
import { gather, pad, wholes } from "../graph/build.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";

/** Rows and columns of tokens. */
export interface TokenGrid {
  readonly height: number;
  readonly width: number;
}

/** At each place, the row-by-row index of the cell that stands there; -1 for padding. Nobody changes one. */
export type Order = Int32Array;

export function rowByRow({ height, width }: TokenGrid): Order {
  return new Int32Array(height * width).map((_, i) => i);
}

/** The four cells of every 2 x 2 square beside each other, column by column; odd maps are padded (timm's PatchMerging). */
export function bySquare({ height, width }: TokenGrid): Order {
  const order = new Int32Array(4 * Math.ceil(height / 2) * Math.ceil(width / 2));
  let place = 0;
  for (let top = 0; top < height; top += 2)
    for (let left = 0; left < width; left += 2)
      for (let x = left; x < left + 2; x++)
        for (let y = top; y < top + 2; y++) order[place++] = y < height && x < width ? y * width + x : -1;
  return order;
}

/**
 * Window by window, row by row inside. The map is rolled up and left by `shift`, then padded at the bottom and at the right to whole
 * windows (timm/models/swin_transformer.py SwinTransformerBlock._attn).
 */
export function byWindow(map: TokenGrid, window: TokenGrid, shift: TokenGrid = { height: 0, width: 0 }): Order {
  const whole = mapOfWindows(map, window, window);
  const order = new Int32Array(whole.height * whole.width);
  let place = 0;
  for (let top = 0; top < map.height; top += window.height)
    for (let left = 0; left < map.width; left += window.width)
      for (let y = top; y < top + window.height; y++)
        for (let x = left; x < left + window.width; x++)
          order[place++] =
            y < map.height && x < map.width
              ? ((y + shift.height) % map.height) * map.width + ((x + shift.width) % map.width)
              : -1;
  return order;
}

/**
 * As `byWindow`, but padded first and then rolled, padding and all, as in Swin for detection (facebookresearch/Mask2Former,
 * mask2former/modeling/backbone/swin.py SwinTransformerBlock). The two differ where windows do not fit the map.
 */
export function byWindowOfPadded(map: TokenGrid, window: TokenGrid, shift: TokenGrid): Order {
  const padded = mapOfWindows(map, window, window);
  const order = byWindow(padded, window, shift);
  return order.map((cell) => {
    const [y, x] = [Math.floor(cell / padded.width), cell % padded.width];
    return y < map.height && x < map.width ? y * map.width + x : -1;
  });
}

/** The map that windows of another size make when each takes the place of one of these. */
export function mapOfWindows(map: TokenGrid, window: TokenGrid, other: TokenGrid): TokenGrid {
  return {
    height: Math.ceil(map.height / window.height) * other.height,
    width: Math.ceil(map.width / window.width) * other.width,
  };
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
    const placeOf = new Int32Array(from.length);
    from.forEach((cell, place) => {
      if (cell >= 0) placeOf[cell] = place;
    });
    const index = wholes(
      this.graph,
      to.map((cell) => (cell < 0 ? from.length : placeOf[cell]!)),
    );
    indices.set(to, index);
    return index;
  }
}
