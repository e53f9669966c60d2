// Where points of gridSample lie along one axis of a map, and the cells (taps) that each is mixed from, as ordinary ops: what the gradients and the
// composition of gridSample are made of. The conventions are PyTorch's (aten/src/ATen/native/GridSamplerUtils.h).
import {
  abs,
  add,
  and,
  cast,
  equal,
  floor,
  greater,
  less,
  maximum,
  minimum,
  mul,
  or,
  scalar,
  sign,
  sub,
  values,
} from "../build.ts";
import type { SpatialOps } from "../ops.ts";
import type { Tensor } from "../tensor.ts";

type Sampling = SpatialOps["gridSample"];

/** Where points lie along one axis of a map, in cells. */
export interface AxisPositions {
  readonly size: number;
  readonly sampling: Sampling;
  /** The cell before each point, or the nearest one: a float (N, 1, P). */
  readonly low: Tensor;
  /** How far after that cell, 0 to 1: (N, 1, P). */
  readonly part: Tensor;
  /** By what a step of the position is multiplied on its way through the padding, (N, 1, P): 0 where a clamp holds it; undefined for 1. */
  readonly moving: Tensor | undefined;
}

/** @param coordinate (N, 1, P), -1 to 1 across the map */
export function axisPositions(coordinate: Tensor, size: number, sampling: Sampling): AxisPositions {
  const { mode, padding, alignCorners } = sampling;
  // In this order, engines and PyTorch round alike, and find the same cell for points on a cell's centre.
  const free = alignCorners ? mul(add(coordinate, 1), (size - 1) / 2) : sub(mul(add(coordinate, 1), size / 2), 0.5);
  // Cubic sampling leaves the position where it is, and asks the padding for each cell.
  const held = mode === "cubic" || padding === "zeros" ? undefined : padPositions(free, size, sampling);
  const position = held?.position ?? free;
  const below = floor(position);
  const after = sub(position, below);
  const low = mode === "nearest" ? roundHalfToEven(below, after) : below;
  return { size, sampling, low, part: after, moving: held?.moving };
}

/** Positions as "border" or "reflection" has them: within the first and the last cell's centres. */
function padPositions(free: Tensor, size: number, sampling: Sampling): { position: Tensor; moving: Tensor } {
  const { position, turning } =
    sampling.padding === "reflection" ? reflect(free, size, sampling) : { position: free, turning: undefined };
  // No gradient at the border itself, as in PyTorch.
  const inside = cast(and(greater(position, 0), less(position, size - 1)), free.dtype);
  return {
    position: clampToMap(position, size),
    moving: turning === undefined ? inside : mul(inside, turning),
  };
}

function clampToMap(x: Tensor, size: number): Tensor {
  const number = (value: number) => scalar(x.graph, value, x.dtype);
  // The limits come first, for ties go to the first operand: no gradient at the border, as in PyTorch.
  return minimum(number(size - 1), maximum(number(0), x));
}

/**
 * There and back between the first and last cell's centres, or (corners not aligned) between their outer edges. `turning` is the derivative, 1 on the way
 * there and -1 on the way back.
 */
function reflect(x: Tensor, size: number, { alignCorners }: Sampling): { position: Tensor; turning: Tensor } {
  const least = alignCorners ? 0 : -0.5;
  // A map of one cell with its corners aligned has no extent; any positive one leads to that cell.
  const span = Math.max(alignCorners ? size - 1 : size, 1);
  const from = sub(x, least);
  const along = sub(from, mul(floor(mul(from, 1 / (2 * span))), 2 * span)); // 0 to 2 * span
  const back = sub(along, span);
  return { position: sub(span + least, abs(back)), turning: sub(0, sign(back)) };
}

function roundHalfToEven(below: Tensor, after: Tensor): Tensor {
  const isOdd = equal(sub(below, mul(floor(mul(below, 0.5)), 2)), 1);
  const isUp = or(greater(after, 0.5), and(equal(after, 0.5), isOdd));
  return add(below, cast(isUp, below.dtype));
}

/** The cells around each point along one axis: one for the nearest, two for linear, four for cubic sampling. */
export interface Taps {
  /** Float (N, taps, P), within the map. With zeros beyond it `cells` may be there too. */
  readonly cells: Tensor;
  /** (N, taps, P) */
  readonly shares: Tensor;
  /** The derivatives of the shares by the position: (N, taps, P), or (1, taps, 1) where they are the same everywhere. */
  readonly slopes: Tensor;
}

export function tapsOf({ low, part, size, sampling }: AxisPositions): Taps {
  const column = (...numbers: number[]) => cast(values(low.graph, [numbers.length, 1], numbers), low.dtype);
  if (sampling.mode === "nearest") return { cells: low, shares: add(mul(part, 0), 1), slopes: mul(part, 0) };
  if (sampling.mode === "linear") {
    const cells = add(low, column(0, 1)); // (N, 2, P)
    const held = sampling.padding === "zeros" ? cells : clampToMap(cells, size);
    const slopes = cast(values(low.graph, [1, 2, 1], [-1, 1]), low.dtype);
    return { cells: held, shares: add(mul(part, column(-1, 1)), column(1, 0)), slopes };
  }
  const cells = add(low, column(-1, 0, 1, 2)); // (N, 4, P)
  // Keys' cubic convolution as polynomials in how far after `low` the point is: cell by cell the factors of 1, part, part^2, part^3.
  const [one, linear, square, cube] = [
    column(0, 1, 0, 0),
    column(A, 0, -A, 0),
    column(-2 * A, -A - 3, 2 * A + 3, A),
    column(A, A + 2, -A - 2, -A),
  ];
  const shares = add(mul(add(mul(add(mul(part, cube), square), part), linear), part), one);
  const slopes = add(mul(add(mul(mul(part, cube), 3), mul(square, 2)), part), linear);
  return { cells: padCells(cells, size, sampling), shares, slopes };
}

/** PyTorch's parameter of cubic convolution. */
const A = -0.75;

function padCells(cells: Tensor, size: number, sampling: Sampling): Tensor {
  if (sampling.padding === "zeros") return cells;
  return clampToMap(sampling.padding === "border" ? cells : reflect(cells, size, sampling).position, size);
}
