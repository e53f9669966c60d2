// Seeing other frames for nothing (Lin, Gan and Han, "TSM: Temporal Shift Module", ICCV 2019): of the channels of a map a few come from the
// frame after, as many from the frame before, and the next layer mixes them. No weights, no multiplications. Reproduces
// mit-han-lab/temporal-shift-module, ops/temporal_shift.py; online, online_demo/mobilenet_v2_tsm.py.
import { ShapeError } from "../errors.ts";
import { concat, pad, reshape, slice } from "../graph/build.ts";
import { type Dim, divideDims, printShape } from "../graph/dimensions.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf } from "./conv.ts";

export interface TemporalShiftOptions {
  /** Of a clip. The batch holds clip after clip, each its frames in order. */
  readonly frames: Dim;
  /** A fold is the C / div first channels (rounded down), and the next so many. Default 8. */
  readonly div?: number;
  /** Nothing comes from the future: the first fold is of the frame before, and there is no second. Default false. */
  readonly online?: boolean;
}

/**
 * x (clips * frames, C, H, W) -> the same shape: the first fold of channels from frame t + 1, the second from t - 1, the rest as it is; zeros
 * where a clip has no such frame.
 *
 * @throws ShapeError when the batch is not a whole number of clips
 */
export function temporalShift(x: Tensor, { frames, div = 8, online = false }: TemporalShiftOptions): Tensor {
  const fold = foldOf(channelsOf(x), div);
  if (fold === 0) return x;
  const [batch, channels, height, width] = x.shape as [Dim, number, Dim, Dim];
  const clips = divideDims(batch, frames);
  if (clips === undefined)
    throw new ShapeError(
      "temporalShift",
      `not a whole number of clips of ${frames} frames`,
      [printShape(x.shape)],
      x.graph.currentPath,
    );
  const apart = reshape(x, [clips, frames, channels, height, width]);
  const past = (from: number) => shifted(slice(apart, 2, from, from + fold), "before");
  const moved = online ? [past(0)] : [shifted(slice(apart, 2, 0, fold), "after"), past(fold)];
  const rest = slice(apart, 2, moved.length * fold);
  return reshape(concat(channels === moved.length * fold ? moved : [...moved, rest], 2), x.shape);
}

/**
 * The shift of one frame whose predecessor is remembered: x (N, C, H, W) and the frame before's first fold, (N, C / div, H, W), which the first
 * channels are replaced by. `next` is what the frame after wants to know.
 */
export function shiftFromLast(x: Tensor, last: Tensor, div = 8): { readonly shifted: Tensor; readonly next: Tensor } {
  const fold = foldOf(channelsOf(x), div);
  return { shifted: concat([last, slice(x, 1, fold)], 1), next: slice(x, 1, 0, fold) };
}

/** How many channels go one way. */
export function foldOf(channels: number, div: number): number {
  return Math.floor(channels / div);
}

/** x (clips, frames, …): each frame's place taken by the one before or after it. */
function shifted(x: Tensor, from: "before" | "after"): Tensor {
  // Padded first, so that nothing is empty on the way where a clip has one frame.
  const one = x.shape.map((_, axis) => (axis === 1 ? 1 : 0));
  const none = one.map(() => 0);
  return from === "after" ? slice(pad(x, none, one), 1, 1) : slice(pad(x, one, none), 1, 0, -1);
}
