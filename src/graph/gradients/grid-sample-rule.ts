// The gradient of gridSample. Towards the features: of small maps a product with the points' shares of the cells (grid-sample.ts), which grows with the map; of large ones each
// point's shares are added to its cells one after another. Towards the positions: the cells around each point are gathered again, and their products with the gradient are
// differenced.

import { tensor } from "../../tensor.ts";
import {
  add,
  cast,
  concat,
  constant,
  equal,
  expand,
  expandDims,
  gather,
  matMul,
  maximum,
  minimum,
  mul,
  reduceSum,
  reshape,
  scatterAdd,
  slice,
  transpose,
} from "../build.ts";
import { type Dim, multiplyDims } from "../dimensions.ts";
import type { Graph, Tensor } from "../tensor.ts";
import { type AxisPositions, tapsOf } from "./axis-positions.ts";
import { hat, outer, positionsOf } from "./grid-sample.ts";
import { fixedShape, fixedSize, type GradientRule, zeros } from "./rule.ts";

export const gridSampleRule: GradientRule<"gridSample"> = ({ inputs, attributes }, upstream, needed) => {
  const [features, grid] = inputs as readonly [Tensor, Tensor];
  const [batch, channels] = features.shape as readonly [Dim, Dim];
  const points = multiplyDims(1, ...grid.shape.slice(1, -1));
  const positions = positionsOf(features, grid, attributes);
  const g = reshape(upstream, [batch, channels, points]); // (N, C, P)
  return [
    needed[0] ? (isScattered(features) ? scattered : byProduct)(features, positions, g) : undefined,
    // The nearest cell changes only in steps.
    needed[1] && attributes.mode !== "nearest" ? gridGradient(features, grid, positions, g) : undefined,
  ];
};

/**
 * Cells of a map from which on adding is faster than the product, though the engine adds on one thread. Of 8 pictures with 96 channels and 1764 points each, the product takes 433 ms
 * of one thread at 64 x 64 cells and 1688 at 128 x 128, adding 289 and 360: with up to four threads this is where they meet.
 */
const SCATTERED_FROM = 2 ** 13;

function isScattered({ shape: [, , ...spatial] }: Tensor): boolean {
  const cells = multiplyDims(1, ...spatial);
  return typeof cells === "number" && cells >= SCATTERED_FROM;
}

/** features (N, C, …), g (N, C, P). */
function scattered(features: Tensor, positions: readonly AxisPositions[], g: Tensor): Tensor {
  const sides = positions.map(sidesOf);
  const [batch, channels, ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const shares = outer(sides.map(({ share, inside }) => (inside === undefined ? share : mul(share, inside)))); // (N, sides^rank, P)
  const rows = cornerRows(features, sides); // (N, sides^rank, P)
  const channelsLast = transpose(g, [0, 2, 1]); // (N, P, C)
  const each = fixedSize(multiplyDims(...rows.shape.slice(0, 2), channels), "gridSample"); // numbers that a point adds
  const none = zeros(features.graph, [multiplyDims(batch, ...spatial), channels], g.dtype);
  const sums = inTurns(g, each, none, (table, some) => {
    const parts = mul(expandDims(some(shares, 2), 3), expandDims(some(channelsLast, 1), 1)); // (N, sides^rank, P, C)
    const flat = [multiplyDims(1, ...parts.shape.slice(0, 3)), channels] as const;
    return scatterAdd(table, expand(reshape(some(rows, 2), [flat[0], 1]), flat), reshape(parts, flat), 0);
  }); // (N * cells, C)
  const places = spatial.map((_, i) => i + 1);
  return transpose(reshape(sums, [batch, ...spatial, channels]), [0, spatial.length + 1, ...places]);
}

/** Elements that a table of all points may take at once, 64 MiB: with more points, they take turns. */
const TURN_LIMIT = 2 ** 24;

/**
 * Adds up what some points at a time give, each of which needs `each` elements; `some` takes those of a tensor whose axis they are. A turn is added before the next begins, so
 * that no more than two maps are alive.
 */
function inTurns<T>(
  g: Tensor,
  each: number,
  from: T,
  take: (sum: T, some: (x: Tensor, axis: number) => Tensor) => T,
): T {
  const points = fixedSize(g.shape[2]!, "gridSample");
  const turn = Math.max(1, Math.floor(TURN_LIMIT / each));
  const starts = Array.from({ length: Math.ceil(points / turn) }, (_, i) => i * turn);
  return starts.reduce(
    (sum, start) =>
      take(sum, (x, axis) => (turn >= points ? x : slice(x, axis, start, Math.min(start + turn, points)))),
    from,
  );
}

function byProduct(features: Tensor, positions: readonly AxisPositions[], g: Tensor): Tensor {
  const [, channels, ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const last = fixedSize(spatial.at(-1)!, "gridSample");
  // Few channels: cheaper to weight them with all axes but the last.
  const joint = fixedSize(channels, "gridSample") >= last;
  const rows = multiplyDims(features.shape[0]!, joint ? last : channels, ...spatial.slice(0, -1));
  return inTurns<Tensor | undefined>(g, fixedSize(rows, "gridSample"), undefined, (sum, some) => {
    const hats = positions.map(({ low, part, ...axis }) => hat({ ...axis, low: some(low, 2), part: some(part, 2) }));
    const product = (joint ? jointGradient : separateGradient)(features, hats, some(g, 2));
    return sum === undefined ? product : add(sum, product);
  })!;
}

/**
 * hats (N, size, P) each, g (N, C, P). The large factor comes first, as it lies, and the small one with channels last, as sampled features are
 * mostly wanted: 1.5 times as fast as the product the other way round.
 */
function jointGradient(features: Tensor, hats: readonly Tensor[], g: Tensor): Tensor {
  const product = matMul(outer(hats), transpose(g, [0, 2, 1])); // (N, cells, P) x (N, P, C)
  const [batch, channels, ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const inner = spatial.map((_, i) => i + 1);
  return transpose(reshape(product, [batch, ...spatial, channels]), [0, spatial.length + 1, ...inner]);
}

function separateGradient(features: Tensor, hats: readonly Tensor[], g: Tensor): Tensor {
  const [batch, channels, points] = g.shape as readonly [Dim, Dim, Dim];
  const weights = outer(hats.slice(0, -1)); // (N, rest, P)
  const rest = multiplyDims(channels, weights.shape[1]!);
  const weighted = reshape(mul(expandDims(g, 2), expandDims(weights, 1)), [batch, rest, points]); // (N, C * rest, P)
  return reshape(matMul(weighted, hats.at(-1)!, { transposeB: true }), features.shape);
}

/** The cells around each point along one axis, two of them or (cubic) four. */
interface Sides {
  /** Float (N, sides, P), within the map. */
  readonly cell: Tensor;
  /** 1 where the cell is in the map, else 0; undefined when all are. */
  readonly inside: Tensor | undefined;
  /** (N, sides, P) */
  readonly share: Tensor;
  /** (N, sides, P) or (1, sides, 1) */
  readonly slope: Tensor;
}

function sidesOf(positions: AxisPositions): Sides {
  const { size, sampling } = positions;
  const { cells, shares: share, slopes: slope } = tapsOf(positions);
  if (sampling.padding !== "zeros") return { cell: cells, inside: undefined, share, slope };
  const cell = minimum(maximum(cells, 0), size - 1);
  return { cell, inside: cast(equal(cells, cell), cells.dtype), share, slope };
}

function gridGradient(features: Tensor, grid: Tensor, positions: readonly AxisPositions[], g: Tensor): Tensor {
  const sides = positions.map(sidesOf);
  const corners = gather(cellTable(features), cornerRows(features, sides), 0); // (N, sides^rank, P, C)
  const channelsLast = expandDims(transpose(g, [0, 2, 1]), 1); // (N, 1, P, C)
  const products = reduceSum(mul(corners, channelsLast), 3); // (N, sides^rank, P)
  const insides = sides.flatMap(({ inside }) => inside ?? []);
  const counted = insides.length === 0 ? products : mul(products, outer(insides));
  const parts = positions.map(({ size, moving, sampling }, axis) => {
    const weights = outer(sides.map(({ share, slope }, i) => (i === axis ? slope : share))); // (N, sides^rank, P)
    const cells = sampling.alignCorners ? size - 1 : size; // that a step of 2 on the grid is
    const part = mul(reduceSum(mul(counted, weights), 1), cells / 2); // (N, P)
    return expandDims(moving === undefined ? part : mul(part, reshape(moving, part.shape)), 2); // (N, P, 1)
  });
  // The grid lists x first, the map lists it last.
  return reshape(concat(parts.reverse(), 2), grid.shape);
}

/** (N, C, …) as a table with one row a cell: (N * cells, C). */
function cellTable(features: Tensor): Tensor {
  const [batch, channels, ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const cells = multiplyDims(1, ...spatial);
  const rows = transpose(reshape(features, [batch, channels, cells]), [0, 2, 1]); // (N, cells, C)
  return reshape(rows, [multiplyDims(batch, cells), channels]);
}

/** The row of each corner of each point in the table of cells: int64 (N, sides^rank, P). */
function cornerRows(features: Tensor, sides: readonly Sides[]): Tensor {
  const [batch, , ...spatial] = features.shape as readonly [Dim, Dim, ...Dim[]];
  const sizes = fixedShape(spatial, "gridSample");
  const cells = multiplyDims(1, ...sizes);
  const inMap = sides
    .map(({ cell }) => cell)
    .reduce((a, b, i) => {
      const [n, corners, points] = a.shape as readonly [Dim, Dim, Dim];
      const rows = add(expandDims(mul(a, sizes[i]!), 2), expandDims(b, 1)); // (N, corners, sides, P)
      return reshape(rows, [n, multiplyDims(corners, b.shape[1]!), points]);
    });
  // A position that is not a number has no row, but must not end the run: whoever trains wants to be told which numbers went wrong.
  const row = maximum(minimum(cast(inMap, "int32"), fixedSize(cells, "gridSample") - 1), 0);
  return cast(add(row, firstRows(features.graph, fixedSize(batch, "gridSample"), cells)), "int64");
}

/**
 * Each picture's first row, int32 (N, 1, 1). Counted in integers: there may be more rows than a float can tell apart. In 32 bits: WebGPU has no
 * arithmetic for 64.
 */
function firstRows(graph: Graph, batch: number, cells: Dim): Tensor {
  const rows = Int32Array.from({ length: batch }, (_, i) => i * Number(cells));
  return constant(graph, tensor("int32", [batch, 1, 1], rows));
}
