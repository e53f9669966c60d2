// Standardising without anything learnt and without running statistics: to mean 0 and variance 1, over the batch or by picture. So what a Terminator says of a picture
// depends on those beside it in the batch, in use as in training.
import { add, concat, div, mul, reduceMean, slice, sqrt, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf } from "../../nn/conv.ts";

const EPSILON = 1e-5;

/** x (N, C, H, W) -> the same shape, each channel of each picture by itself. */
export function byPicture(x: Tensor): Tensor {
  return standardised(x, [2, 3]);
}

/** x (N, C, H, W) -> the same shape, each channel over all pictures. */
export function overBatch(x: Tensor): Tensor {
  return standardised(x, [0, 2, 3]);
}

function standardised(x: Tensor, axes: readonly number[]): Tensor {
  const centred = sub(x, reduceMean(x, axes, { keepDims: true }));
  const variance = reduceMean(mul(centred, centred), axes, { keepDims: true });
  return div(centred, sqrt(add(variance, EPSILON)));
}

/** x (N, C, H, W) -> the same shape: groups of neighbouring channels over the batch and by picture in turn ("G-IBS"). */
export function inGroups(x: Tensor, groups: number): Tensor {
  const width = channelsOf(x) / groups;
  const parts = Array.from({ length: groups }, (_, i) => {
    const part = slice(x, 1, i * width, (i + 1) * width);
    return i % 2 === 0 ? overBatch(part) : byPicture(part);
  });
  return parts.length === 1 ? parts[0]! : concat(parts, 1);
}
