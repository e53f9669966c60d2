// Which clusters each token may go to, those around the one it starts in, and what that saves: a row of tokens meets only the rows of clusters within its reach.
import { constant, gather, matMul, minimum, mul, reduceSum, reshape, sub, wholes } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { tensor } from "../../tensor.ts";
import type { TokenGrid } from "../windows.ts";

export interface ReachOptions {
  readonly from: TokenGrid;
  readonly to: TokenGrid;
  /** A token may go to the cluster it starts in and to those around it, a square of so many clusters each way. Odd. */
  readonly window: number;
}

/** How tokens (N, T, C) and clusters (N, M, C) meet. Affinities have the clusters that a token may go to, and perhaps some others, on their last axis. */
export interface Reach {
  /** 0 where a token may go to a cluster, far below everything else where it may not. As affinities, but for the N. */
  readonly mask: Tensor;
  /** Nearness (see below) of tokens, which come scaled by 2 tau, and clusters. */
  nearness(scaled: Tensor, clusters: Tensor, tau: number): Tensor;
  /** Sums of values (N, T, any width), weighed by affinities: (N, M, that width). */
  sum(affinity: Tensor, values: Tensor): Tensor;
  /** Sums of affinities: (N, M). */
  total(affinity: Tensor): Tensor;
}

/** The cheaper way for the sizes. */
export function reachOf(graph: Graph, options: ReachOptions): Reach {
  return options.to.height >= LEAST_ROWS * options.window ? bandReach(graph, options) : fullReach(graph, options);
}

/** From so many times as many rows of clusters as a token may reach, rows pay for being moved. */
const LEAST_ROWS = 3;

/**
 * How near tokens are to centroids (…, T, M): tau times the squared distance, negative, without the part of it that is the same for all centroids. That part cancels in
 * whatever is asked here, a softmax over centroids or which of them are nearest. So distances need no clamping at 0 as in some of the official code, which repairs its
 * rounding.
 *
 * @param scaled tokens times 2 tau (…, T, C)
 * @param centroids (…, M, C)
 */
export function nearness(scaled: Tensor, centroids: Tensor, tau: number): Tensor {
  const last = centroids.shape.length - 1;
  const squares = reduceSum(mul(mul(centroids, centroids), tau), last); // (…, M)
  const row = reshape(squares, [...squares.shape.slice(0, -1), 1, squares.shape.at(-1)!]); // (…, 1, M)
  return sub(matMul(scaled, centroids, { transposeB: true }), row);
}

/** Every token with every cluster: affinities (N, T, M). */
export function fullReach(graph: Graph, { from, to, window }: ReachOptions): Reach {
  const rows = axisMask(graph, from.height, to.height, window);
  const columns = axisMask(graph, from.width, to.width, window);
  const down = reshape(rows, [from.height, 1, to.height, 1]);
  const across = reshape(columns, [1, from.width, 1, to.width]);
  return {
    mask: reshape(minimum(down, across), [from.height * from.width, to.height * to.width]),
    nearness,
    sum: (affinity, values) => matMul(affinity, values, { transposeA: true }),
    total: (affinity) => reduceSum(affinity, 1),
  };
}

/** Every row of tokens with the rows of clusters that are within its reach: affinities (N, rows, columns, reach * columns of clusters). */
export function bandReach(graph: Graph, { from, to, window }: ReachOptions): Reach {
  const { height, width } = from;
  const band = 2 * Math.floor(window / 2) + 1;
  // For each row of tokens the rows of clusters around the one it starts in; beyond the edge there are none.
  const wanted = Array.from({ length: height * band }, (_, i) => {
    const start = Math.floor((Math.floor(i / band) * to.height) / height);
    return start + (i % band) - Math.floor(band / 2);
  });
  const exists = (row: number) => row >= 0 && row < to.height;
  const places = wholes(
    graph,
    wanted.map((row) => Math.min(Math.max(row, 0), to.height - 1)),
  );
  const edge = reshape(
    table(graph, height, band, (row, i) => (exists(wanted[row * band + i]!) ? 0 : OUT_OF_REACH)),
    [height, 1, band, 1],
  );
  const across = reshape(axisMask(graph, from.width, to.width, window), [1, width, 1, to.width]);
  const members = table(graph, to.height, height * band, (row, i) => (wanted[i] === row ? 1 : 0)); // (rows of clusters, rows * band)
  const byRow = (x: Tensor) => reshape(x, [x.shape[0]!, height, width, x.shape[2]!]); // (N, rows, columns, C)
  return {
    mask: reshape(minimum(edge, across), [height, width, band * to.width]),
    nearness(scaled, clusters, tau) {
      const [n, , channels] = clusters.shape as [Dim, Dim, number];
      const rows = gather(reshape(clusters, [n, to.height, to.width * channels]), places, 1); // (N, rows * band, columns of clusters * C)
      return nearness(byRow(scaled), reshape(rows, [n, height, band * to.width, channels]), tau);
    },
    sum(affinity, values) {
      const [n, , channels] = values.shape as [Dim, Dim, Dim];
      const parts = matMul(affinity, byRow(values), { transposeA: true }); // (N, rows, band * columns of clusters, C)
      const rows = matMul(members, reshape(parts, [n, height * band, -1])); // (N, rows of clusters, columns * C)
      return reshape(rows, [n, to.height * to.width, channels]);
    },
    total(affinity) {
      const n = affinity.shape[0]!;
      const parts = reshape(reduceSum(affinity, 2), [n, height * band, to.width]);
      return reshape(matMul(members, parts), [n, to.height * to.width]);
    },
  };
}

/** (size, new size): 0 where a token may go to a cluster along one axis. Masks are spread out of two small constants, once, by the engine that loads the model. */
function axisMask(graph: Graph, size: number, newSize: number, window: number): Tensor {
  return table(graph, size, newSize, (cell, cluster) => {
    const start = Math.floor((cell * newSize) / size); // the cluster it starts in
    return Math.abs(start - cluster) <= Math.floor(window / 2) ? 0 : OUT_OF_REACH;
  });
}

/** A constant (rows, columns). */
export function table(
  graph: Graph,
  rows: number,
  columns: number,
  at: (row: number, column: number) => number,
): Tensor {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  return constant(graph, tensor("float32", [rows, columns], data));
}

/** Below any nearness, and finite, so that no arithmetic makes a NaN of it: every token has a cluster it may go to, so the softmax gives exactly 0. */
export const OUT_OF_REACH = -1e16;
