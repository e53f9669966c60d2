// Where to look closely, and at how large a part: one place and size for all frames of a clip. Reproduces LeapLabTHU/Uni-AdaFocus,
// archs/uni_adafocus_tsm.py, SpatialPolicy: four convolutions over space and time, here as convolutions over space, for which engines have their
// best kernels: the first has no extent in time, the next two read a frame beside its neighbours, and the last one spans everything.
import { concat, conv, gemm, pad, relu, reshape, sigmoid, slice, transpose } from "../../graph/build.ts";
import { type Dim, divideDims, multiplyDims } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";

/** Row, column, height, width. */
const NUMBERS = 4;

/**
 * maps (clips, frames, channels, side, side) of the glance -> action (clips, 4): row and column in 0..1 of the room that the crop has, then its height
 * and width in 0..1 between the smallest and the largest.
 */
export function spatialAction(scope: Scope, maps: Tensor, hidden: number, mode: Mode): Tensor {
  const [clips, frames, channels, side] = maps.shape as [Dim, number, number, number, number];
  const layers = scope.at("encoder");
  const folded = reshape(maps, [multiplyDims(clips, frames), channels, side, side]);
  let x = relu(batchNorm(layers.at(1), pointwise(layers.at(0), folded, channels, hidden), mode));
  x = relu(batchNorm(layers.at(4), convOverTime(layers.at(3), x, frames, hidden), mode));
  x = relu(batchNorm(layers.at(7), convOverTime(layers.at(6), x, frames, hidden), mode));
  return sigmoid(overAll(layers.at(9), x, [clips, frames, hidden, side]));
}

/** x (clips * frames, channels, side, side) -> (clips * frames, hidden, side, side) */
function pointwise(scope: Scope, x: Tensor, channels: number, hidden: number): Tensor {
  return scope.run(() => {
    const weight = scope.parameter("weight", [hidden, channels, 1, 1, 1], torchDefault(channels));
    return conv(x, reshape(weight, [hidden, channels, 1, 1]), undefined);
  });
}

/** x (clips * frames, hidden, side, side) -> the same shape: three frames, rows and columns around each cell, zeros beyond the ends. */
function convOverTime(scope: Scope, x: Tensor, frames: number, hidden: number): Tensor {
  return scope.run(() => {
    const weight = scope.parameter("weight", [hidden, hidden, 3, 3, 3], torchDefault(27 * hidden));
    const [folded, , height, width] = x.shape as [Dim, number, number, number];
    const clips = divideDims(folded, frames)!;
    const apart = reshape(x, [clips, frames, hidden, height, width]);
    const longer = pad(apart, [0, 1, 0, 0, 0], [0, 1, 0, 0, 0]); // (clips, frames + 2, …)
    const beside = concat(
      [slice(longer, 1, 0, frames), apart, slice(longer, 1, 2)], // the frame before, the frame, the frame after
      2,
    );
    const wide = reshape(beside, [folded, 3 * hidden, height, width]);
    const flat = reshape(transpose(weight, [0, 2, 1, 3, 4]), [hidden, 3 * hidden, 3, 3]);
    return conv(wide, flat, undefined, { padding: [1, 1] });
  });
}

/** x (clips * frames, hidden, side, side) -> (clips, 4) */
function overAll(
  scope: Scope,
  x: Tensor,
  [clips, frames, hidden, side]: readonly [Dim, number, number, number],
): Tensor {
  return scope.run(() => {
    const size = frames * hidden * side * side;
    const weight = scope.parameter("weight", [NUMBERS, hidden, frames, side, side], torchDefault(size));
    const flat = reshape(transpose(weight, [0, 2, 1, 3, 4]), [NUMBERS, size]);
    return gemm(reshape(x, [clips, size]), flat, undefined, { transposeB: true });
  });
}
