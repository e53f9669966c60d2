// Which frames deserve a closer look: two convolutions along time give every frame of the glance a weight, and the frames of the focus lie at equal
// quantiles of them, so that they are dense where much happens. Reproduces LeapLabTHU/Uni-AdaFocus, archs/uni_adafocus_tsm.py, TemporalPolicy and
// policy_sample_indices.
import {
  add,
  cast,
  conv,
  div,
  expandDims,
  floor,
  gather,
  iota,
  matMul,
  maximum,
  minimum,
  mul,
  pad,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  slice,
  softmax,
  sub,
  transpose,
  values,
} from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf } from "../../nn/conv.ts";
import { fixedWidth, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";

/** features (clips, frames, width) of the glance -> weights (clips, frames), which sum to 1. */
export function temporalWeights(scope: Scope, features: Tensor, hidden: number, mode: Mode): Tensor {
  const [clips, frames, width] = features.shape as [Dim, number, number];
  const layers = scope.at("Tconv");
  const along = reshape(transpose(features, [0, 2, 1]), [clips, width, frames, 1]); // (clips, width, frames, 1)
  const first = relu(batchNorm(layers.at(1), convAlongTime(layers.at(0), along, hidden, 3), mode));
  const second = relu(batchNorm(layers.at(4), convAlongTime(layers.at(3), first, hidden, 3), mode));
  return softmax(reshape(convAlongTime(layers.at(6), second, 1, 1), [clips, frames]));
}

/** x (clips, in, frames, 1) -> (clips, channels, frames, 1): a kernel `extent` frames long and one wide. */
function convAlongTime(scope: Scope, x: Tensor, channels: number, extent: number): Tensor {
  return scope.run(() => {
    const inner = channelsOf(x);
    const weight = scope.parameter("weight", [channels, inner, extent, 1], torchDefault(inner * extent));
    return conv(x, weight, undefined, { padding: [(extent - 1) / 2, 0] });
  });
}

/** No weight is taken for less: what has none takes no time, and nothing is divided by zero. */
const LEAST_WEIGHT = 1e-20;

/**
 * Where the cumulative weights reach each threshold, the weights spread evenly over their frame's part of the clip.
 *
 * @param weights (clips, frames), rows sum to 1
 * @param thresholds (clips or 1, count), in 0..1
 * @returns (clips, count), in 0..frames
 */
export function quantiles(weights: Tensor, thresholds: Tensor): Tensor {
  const frames = fixedWidth(weights);
  const { graph } = weights;
  const sums = matMul(weights, upperTriangle(weights)); // (clips, frames): of this frame and all before it
  const before = pad(slice(sums, 1, 0, frames - 1), [0, 1], [0, 0]); // (clips, frames): of all before it
  // The last sum is 1 whatever rounding says, so that every threshold is reached.
  const isLast = values(graph, [1, frames], oneHot(frames, frames - 1));
  const after = add(mul(sums, sub(1, isLast)), isLast);
  const own = expandDims(maximum(sub(after, before), LEAST_WEIGHT), 1); // (clips, 1, frames)
  // Of every frame's part as much has passed as its weight has been used up: the inverse of a line of straight pieces, piece by piece.
  const used = div(sub(expandDims(thresholds, 2), expandDims(before, 1)), own); // (clips, count, frames)
  return reduceSum(minimum(maximum(used, 0), 1), 2);
}

/** (frames, frames), ones where the row is not after the column: a product with it sums up. */
function upperTriangle(weights: Tensor): Tensor {
  const n = fixedWidth(weights);
  return values(
    weights.graph,
    [n, n],
    Array.from({ length: n * n }, (_, i) => Number(Math.floor(i / n) <= i % n)),
  );
}

function oneHot(length: number, at: number): number[] {
  return Array.from({ length }, (_, i) => Number(i === at));
}

/**
 * The frames at these places: each rounded down, but at least one after the one before it, and early enough that those after it have room.
 *
 * @param positions (clips, count), in 0..frames
 * @param frames how many a clip has, at least `count`
 * @returns (clips, count), rising whole numbers as float32
 */
export function framesAt(positions: Tensor, frames: number): Tensor {
  const count = fixedWidth(positions);
  const { graph } = positions;
  // Pushed on by the frame j before it, frame i is at least i - j after that; the farthest of all pushes counts.
  const pushes = Array.from({ length: count * count }, (_, at) => {
    const [j, i] = [Math.floor(at / count), at % count];
    return j <= i ? i - j : -2 * frames;
  });
  const pushed = reduceMax(add(expandDims(floor(positions), 2), values(graph, [1, count, count], pushes)), 1); // (clips, count)
  const latest = Array.from({ length: count }, (_, i) => frames - count + i);
  return minimum(pushed, values(graph, [1, count], latest));
}

/** Thresholds (1, count) in the middles of equal parts: those of inference. */
export function evenThresholds(weights: Tensor, count: number): Tensor {
  return values(
    weights.graph,
    [1, count],
    Array.from({ length: count }, (_, i) => (i + 0.5) / count),
  );
}

/**
 * Frames of clips, by their numbers.
 *
 * @param clips (clips, 3, frames, height, width)
 * @param chosen (clips, count), as float32
 * @returns (clips, count, 3, height, width)
 */
export function takeFrames(clips: Tensor, chosen: Tensor): Tensor {
  const [batch, channels, frames, height, width] = clips.shape as [Dim, number, number, number, number];
  const { graph } = clips;
  // Planes laid flat: one index for each colour of a frame.
  const planes = reshape(clips, [multiplyDims(batch, channels * frames), height, width]);
  const clip = reshape(mul(iota(graph, batch, "int64"), channels * frames), [batch, 1, 1]);
  const colour = reshape(mul(iota(graph, channels, "int64"), frames), [1, 1, channels]);
  const frame = expandDims(cast(chosen, "int64"), 2); // (clips, count, 1)
  return gather(planes, add(add(clip, colour), frame), 0);
}
