// Boxes on their way through Plain DETR's layers: shares of the picture behind a sigmoid, or pixels as changes of other boxes. Reproduces impiga/Plain-DETR,
// util/box_ops.py and util/misc.py.
import { add, concat, div, exp, log, maximum, minimum, mul, sigmoid, slice, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** Nearer to 0 or 1 no share is told apart from them. */
const NEAREST = 1e-5;
/** Most that a size is multiplied or divided by. */
const MOST_CHANGE = Math.abs(Math.log(16 / 1000));

/** The inverse of the sigmoid, of shares in 0..1. */
export function unsquashed(x: Tensor): Tensor {
  const share = minimum(maximum(x, 0), 1);
  return log(div(maximum(share, NEAREST), maximum(sub(1, share), NEAREST)));
}

/** boxes (…, 4) of shares, moved before the sigmoid. */
export function movedShares(boxes: Tensor, change: Tensor): Tensor {
  return sigmoid(add(change, unsquashed(boxes)));
}

/**
 * boxes (N, Q, 4) of centres and sizes in pixels, moved by shares of their sizes, whose logarithms change; cut off at the picture's edges.
 *
 * @param size (N or 1, 1, 2) of pictures, width and height in pixels
 */
export function changedPixels(boxes: Tensor, change: Tensor, size: Tensor): Tensor {
  const half = (x: Tensor, second: boolean) => slice(x, -1, second ? 2 : 0, second ? 4 : 2);
  const [centre, extent] = [half(boxes, false), half(boxes, true)];
  const moved = add(centre, mul(extent, half(change, false)));
  const grown = mul(extent, exp(minimum(maximum(half(change, true), -MOST_CHANGE), MOST_CHANGE)));
  const inside = (x: Tensor) => minimum(maximum(x, 0), size);
  const first = inside(sub(moved, mul(grown, 0.5)));
  const last = inside(add(moved, mul(grown, 0.5)));
  return concat([mul(add(first, last), 0.5), sub(last, first)], -1);
}
