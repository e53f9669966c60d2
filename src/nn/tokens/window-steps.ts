// Fewer tokens in models whose attention works in windows: every window gets a smaller one, and these make a smaller map, until the larger one is put together
// again (Expedit-SAM, segment_anything/modeling/hourglass_image_encoder.py; Expedit-DINO, projects/dino/modeling/backbone/hourglass_swin.py).
import { reshape } from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import { byWindow, mapOfWindows, type OrderedTokens, type Reordering, rowByRow, type TokenGrid } from "../windows.ts";
import type { WindowStep } from "./reduction.ts";

/** A map while it is smaller. */
export interface SmallerMap {
  /** Its tokens, in some order of its cells. */
  readonly state: OrderedTokens;
  readonly map: TokenGrid;
  /** The tokens of the smaller map, later -> what those of the larger one have become by that, row by row. */
  readonly restore: (last: OrderedTokens) => OrderedTokens;
}

/** Makes every window (of `window` cells) of a map smaller. Where windows stick out of the map they hold zeros, and these count, as in the official code. */
export function shrinkWindows(
  step: WindowStep,
  state: OrderedTokens,
  map: TokenGrid,
  window: TokenGrid,
  reordering: Reordering,
): SmallerMap {
  const windows = byWindow(map, window);
  const smaller = mapOfWindows(map, window, step.to);
  const order = byWindow(smaller, step.to);
  const rows = rowByRow(map);
  const area = window.height * window.width;
  const count = step.to.height * step.to.width;
  const [batch, , width] = state.tokens.shape as [Dim, Dim, number];
  const all = multiplyDims(batch, windows.length / area);
  const change = step.shrink(reshape(reordering.to(windows, state), [all, area, width]), window);
  return {
    state: { tokens: reshape(change.tokens, [batch, order.length, width]), order },
    map: smaller,
    restore(last) {
      const inWindows = reshape(reordering.to(order, last), [all, count, width]);
      const tokens = reshape(change.restore(inWindows), [batch, windows.length, width]);
      return { tokens: reordering.to(rows, { tokens, order: windows }), order: rows };
    },
  };
}
