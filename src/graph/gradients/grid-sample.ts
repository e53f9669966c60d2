// gridSample as a product with hat functions, relu(1 - |position - cell|) along each axis: exact, deterministic with any number of threads,
// and made of ops whose ordinary gradients are gridSample's. A scatter of gradients into the map would be wrong (lost updates) or slow.
import { SaccadeError } from "../../errors.ts";
import {
  add,
  cast,
  equal,
  expandDims,
  floor,
  iota,
  matMul,
  maximum,
  minimum,
  mul,
  reduceSum,
  reshape,
  scalar,
  slice,
  sub,
  transpose,
  where,
} from "../build.ts";
import { type Dim, multiplyDims } from "../dimensions.ts";
import type { SpatialOps } from "../ops.ts";
import type { Tensor } from "../tensor.ts";
import { fixedShape } from "./rule.ts";

export interface GridSampleByHatOptions {
  readonly padding: SpatialOps["gridSample"]["padding"];
  /** true: (N, …, C), which saves models that go on with tokens a transpose in both directions. Default false: (N, C, …). */
  readonly channelsLast?: boolean;
  /**
   * "joint": one weight for each point and cell, (N, points, cells). "separable": the last axis first, (N, points, channels, other cells) in
   * between. Default: whichever keeps less in memory.
   */
  readonly product?: "joint" | "separable";
}

/**
 * The values of gridSample (bi- or trilinear, align_corners = false), composed of differentiable ops: what training graphs call instead, so
 * that the forward pass and the gradients share their weights.
 *
 * Exactly on a cell's centre the position's derivative is the difference to the next cell, as PyTorch has it (its kernels round positions
 * down). With border padding, positions at or beyond the first or last centre have none.
 *
 * @param features (N, C, H, W) or (N, C, D, H, W), spatial sizes fixed
 * @param grid (N, …, 2 or 3) of (x, y[, z]) in -1..1
 * @returns (N, C, …), or (N, …, C) with `channelsLast`
 */
export function gridSampleByHat(features: Tensor, grid: Tensor, options: GridSampleByHatOptions): Tensor {
  const [batch, channels, ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const sizes = fixedShape(spatial, "gridSample");
  const rank = sizes.length;
  if (grid.shape.at(-1) !== rank)
    throw new SaccadeError("graph", `the grid of a map with ${rank} spatial dimensions must end in ${rank}`);
  const places = grid.shape.slice(1, -1);
  const points = multiplyDims(1, ...places);
  const flat = reshape(grid, [batch, points, rank]); // (N, P, rank)
  // The grid lists x first, the map lists it last.
  const hats = sizes.map((size, i) => hat(slice(flat, 2, rank - 1 - i, rank - i), size, options.padding)); // (N, P, size) each
  const cells = multiplyDims(1, ...sizes) as number;
  const product = options.product ?? (cells <= SMALL_MAP || sizes.at(-1)! <= Number(channels) ? "joint" : "separable");
  const last = options.channelsLast ?? false;
  const shape = last ? [batch, ...places, channels] : [batch, channels, ...places];
  if (product === "separable") return reshape(separableProduct(features, hats, last), shape);
  const weights = outer(hats); // (N, P, cells)
  const table = reshape(features, [batch, channels, cells]); // (N, C, cells)
  const sampled = last ? matMul(weights, table, { transposeB: true }) : matMul(table, weights, { transposeB: true });
  return reshape(sampled, shape);
}

/** Up to 16 x 16 the joint product is fastest whatever the channels. */
const SMALL_MAP = 256;

/** Each point's shares of the cells along one axis: (N, P, 1) positions in -1..1 to (N, P, size). */
function hat(coordinate: Tensor, size: number, padding: SpatialOps["gridSample"]["padding"]): Tensor {
  const free = add(mul(coordinate, size / 2), (size - 1) / 2); // (N, P, 1), in cells
  const number = (value: number) => scalar(free.graph, value, free.dtype);
  // The limits come first, for ties go to the first operand: no gradient at the border, as in PyTorch.
  const position = padding === "border" ? minimum(number(size - 1), maximum(number(0), free)) : free;
  // Not relu(1 - |position - cell|) literally: its derivative at a cell's centre would be 0.
  const low = floor(position); // (N, P, 1)
  const towardsHigh = sub(position, low); // (N, P, 1)
  const axis = cast(iota(free.graph, size), free.dtype); // (size)
  const high = where(equal(axis, add(low, 1)), towardsHigh, 0); // (N, P, size)
  return where(equal(axis, low), sub(1, towardsHigh), high);
}

/** The product of (N, P, a), (N, P, b), … over all combinations: (N, P, a * b * …). */
function outer(hats: readonly Tensor[]): Tensor {
  return hats.reduce((a, b) => {
    const [batch, points, cells] = a.shape as readonly [Dim, Dim, Dim];
    const combined = multiplyDims(cells, b.shape[2]!);
    return reshape(mul(expandDims(a, 3), expandDims(b, 2)), [batch, points, combined]);
  });
}

/** Contracts the last axis with its hat, then the others with theirs: (N, P, C), or (N, C, P). */
function separableProduct(features: Tensor, hats: readonly Tensor[], channelsLast: boolean): Tensor {
  const [batch, channels, ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const rest = multiplyDims(1, ...spatial.slice(0, -1));
  const points = hats[0]!.shape[1]!;
  const lines = reshape(features, [batch, multiplyDims(channels, rest), spatial.at(-1)!]); // (N, C * rest, W)
  const weights = outer(hats.slice(0, -1)); // (N, P, rest)
  if (channelsLast) {
    const partial = matMul(hats.at(-1)!, lines, { transposeB: true }); // (N, P, C * rest)
    return reduceSum(mul(reshape(partial, [batch, points, channels, rest]), expandDims(weights, 2)), 3);
  }
  const partial = matMul(lines, hats.at(-1)!, { transposeB: true }); // (N, C * rest, P)
  const turned = reshape(partial, [batch, channels, rest, points]); // (N, C, rest, P)
  const shares = expandDims(transposeLast(weights), 1); // (N, 1, rest, P)
  return reduceSum(mul(turned, shares), 2);
}

function transposeLast(x: Tensor): Tensor {
  return transpose(x, [0, 2, 1]);
}
