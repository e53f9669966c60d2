// A stage of Swin: how its map is cut into windows, still and moved, and what all its blocks share.
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { shiftMask } from "../../nn/shifted-windows.ts";
import { byWindow, type Order, type OrderedTokens, type Reordering, rowByRow } from "../../nn/windows.ts";
import type { Extent } from "../image-size.ts";
import type { StageGeometry } from "./config.ts";

/** A way to cut a stage's map into windows. */
export interface Windows {
  readonly order: Order;
  /** (windows, 1, area, area): keeps apart what the shift brought together; absent where nothing is shifted. */
  readonly mask?: Tensor;
}

/** What all blocks of a stage share. */
export interface Stage extends StageGeometry {
  readonly rows: Order;
  readonly still: Windows;
  readonly shifted: Windows;
  /** The window that position biases are for. */
  readonly learned: Extent;
}

/** A way to move a stage's windows by its shift. */
export type Moving = (graph: Graph, geometry: StageGeometry) => Windows;

/** The map is rolled, and a mask keeps apart what comes from both ends of it. */
export const rolled: Moving = (graph, { map, window, shift }) => ({
  order: byWindow(map, window, shift),
  mask: shiftMask(graph, map, window, shift),
});

/** Zeros are put before and behind the map instead, which makes one more window each way (models/swin_mlp.py SwinMLPBlock). */
export const padded: Moving = (_, { map, window, shift }) => {
  const before = (side: number, by: number) => (by === 0 ? 0 : side - by);
  const lead = { height: before(window.height, shift.height), width: before(window.width, shift.width) };
  const larger = { height: map.height + lead.height, width: map.width + lead.width };
  const cells = byWindow(larger, window).map((cell) => {
    const [y, x] = [Math.floor(cell / larger.width) - lead.height, (cell % larger.width) - lead.width];
    return cell < 0 || y < 0 || x < 0 ? -1 : y * map.width + x;
  });
  return { order: cells };
};

export function layOut(graph: Graph, geometry: StageGeometry, moving: Moving, learned = geometry.window): Stage {
  const { map, window, shift } = geometry;
  const still: Windows = { order: byWindow(map, window) };
  const isShifted = shift.height > 0 || shift.width > 0;
  return { ...geometry, learned, rows: rowByRow(map), still, shifted: isShifted ? moving(graph, geometry) : still };
}

/** A stage whose windows have become smaller ones, moved by half of their own size where the larger ones were moved. */
export function smallerWindows(stage: StageGeometry, map: Extent, window: Extent): StageGeometry {
  const shift = {
    height: stage.shift.height === 0 ? 0 : Math.floor(window.height / 2),
    width: stage.shift.width === 0 ? 0 : Math.floor(window.width / 2),
  };
  return { ...stage, map, window, shift };
}

/** What a block reads and writes its tokens by. */
export interface BlockPlace {
  readonly stage: Stage;
  /** Of the stage, from zero. */
  readonly index: number;
  readonly windows: Windows;
  readonly dropPath: number;
  readonly reordering: Reordering;
}

/** Tokens in the order that a block keeps them in, and `mix` of windows as a function of them. */
export interface ByWindows {
  readonly tokens: Tensor;
  readonly order: Order;
  /** Applies `mix`, which reads (N, windows * area, width) window by window, to tokens in that order. */
  inWindows(tokens: Tensor, mix: (inWindows: Tensor) => Tensor): Tensor;
}

/**
 * Padding must not be normalised with the rest, nor stay among the tokens: where windows hold any, the block keeps its tokens row by row, and only what
 * mixing reads is reordered.
 */
export function byWindows(state: OrderedTokens, { stage, windows, reordering }: BlockPlace): ByWindows {
  const order = windows.order.includes(-1) ? stage.rows : windows.order;
  return {
    tokens: reordering.to(order, state),
    order,
    inWindows(tokens, mix) {
      const mixed = mix(reordering.to(windows.order, { tokens, order }));
      return reordering.to(order, { tokens: mixed, order: windows.order });
    },
  };
}
