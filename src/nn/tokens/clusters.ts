// What Expedit does with tokens (Liang et al., NeurIPS 2022): tokens of a grid become those of a smaller grid by soft clustering, and later each of the old
// ones is put together again from the clusters near to it. Reproduces Expedit-LargeScale-Vision-Transformer/Expedit-Segmenter, mmseg/ops/cluster.py and
// mmseg/ops/reconstruction.py, and Expedit-SAM, segment_anything/modeling/hourglass_image_encoder.py.
import {
  add,
  argMax,
  constant,
  div,
  gatherElements,
  greaterOrEqual,
  matMul,
  maximum,
  minimum,
  mul,
  reduceSum,
  reshape,
  slice,
  softmax,
  sqrt,
  stopGradient,
  sub,
  topK,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { tensor } from "../../tensor.ts";
import { fixedDim } from "../linear.ts";
import type { TokenGrid } from "../windows.ts";
import { takeRows } from "./rows.ts";
import type { Rows } from "./state.ts";

export interface ClusterOptions {
  readonly from: TokenGrid;
  readonly to: TokenGrid;
  /** How often centroids move to the mean of their tokens; at least once. */
  readonly iterations: number;
  /** What squared distances are multiplied by before the softmax: the larger, the harder the clusters. */
  readonly tau: number;
  /** A token may go to the cluster it starts in and to those around it, a square of so many clusters each way. Odd. */
  readonly window: number;
}

/**
 * x (N, T, C), T cells of a grid row by row -> how much of each token each of the M clusters is made of, (N, T, M): W transposed. The shares of a cluster sum to
 * 1. As in the official code no gradient goes through them.
 */
export function clusterShares(x: Tensor, { from, to, iterations, tau, window }: ClusterOptions): Tensor {
  const fixed = stopGradient(x);
  const scaled = mul(fixed, 2 * tau); // (N, T, C)
  const mask = windowMask(x.graph, from, to, window); // (T, M)
  let shares = mask;
  let centroids = averagePool(fixed, from, to); // (N, M, C)
  for (let i = 0; i < iterations; i++) {
    if (i > 0) centroids = matMul(shares, fixed, { transposeA: true });
    const affinity = softmax(add(nearness(scaled, centroids, tau), mask)); // (N, T, M)
    shares = div(affinity, maximum(reduceSum(affinity, 1, { keepDims: true }), LEAST_TOTAL));
  }
  return shares;
}

/** Instead of the nothing that a cluster has from which all tokens are too far away for a float. */
const LEAST_TOTAL = 1e-16;

/** Tokens (N, T, any width) -> the clusters' (N, M, that width): W x. `shares` (N, T, M). */
export function clusterTokens(shares: Tensor, x: Tensor): Tensor {
  return matMul(shares, x, { transposeA: true });
}

/**
 * How near tokens are to centroids, (N, T, M): tau times the squared distance, negative, without the part of it that is the same for all centroids. That part cancels
 * in whatever is asked here, a softmax over centroids or which of them are nearest. So distances need no clamping at 0 as in some of the official code, which
 * repairs its rounding.
 *
 * @param scaled tokens times 2 tau (N, T, C)
 * @param centroids (N, M, C)
 */
function nearness(scaled: Tensor, centroids: Tensor, tau: number): Tensor {
  const squares = reduceSum(mul(mul(centroids, centroids), tau), 2); // (N, M)
  const [n, count] = squares.shape as [Dim, Dim];
  return sub(matMul(scaled, centroids, { transposeB: true }), reshape(squares, [n, 1, count]));
}

/** x (N, T, C) -> (N, M, C): each cell of the smaller grid is the mean of the cells it touches (PyTorch's adaptive_avg_pool2d). */
function averagePool(x: Tensor, from: TokenGrid, to: TokenGrid): Tensor {
  const [n, , width] = x.shape as [Dim, Dim, number];
  const rows = matMul(poolingShares(x.graph, from.height, to.height), reshape(x, [n, from.height, from.width * width]));
  const cells = matMul(poolingShares(x.graph, from.width, to.width), reshape(rows, [n, to.height, from.width, width]));
  return reshape(cells, [n, to.height * to.width, width]);
}

/** (new size, size): of each new cell of an axis the share of each old one. */
function poolingShares(graph: Graph, size: number, newSize: number): Tensor {
  return table(graph, newSize, size, (i, cell) => {
    const first = Math.floor((i * size) / newSize);
    const end = Math.ceil(((i + 1) * size) / newSize);
    return cell >= first && cell < end ? 1 / (end - first) : 0;
  });
}

/** (T, M): 0 where a token may go to a cluster, far below everything else where it may not. Two small constants, spread out by the engine when it loads the model. */
function windowMask(graph: Graph, from: TokenGrid, to: TokenGrid, window: number): Tensor {
  const reach = Math.floor(window / 2);
  const axis = (size: number, newSize: number) =>
    table(graph, size, newSize, (cell, cluster) => {
      const start = Math.floor((cell * newSize) / size); // the cluster it starts in
      return Math.abs(start - cluster) <= reach ? 0 : OUT_OF_REACH;
    });
  const rows = reshape(axis(from.height, to.height), [from.height, 1, to.height, 1]);
  const columns = reshape(axis(from.width, to.width), [1, from.width, 1, to.width]);
  return reshape(minimum(rows, columns), [from.height * from.width, to.height * to.width]);
}

function table(graph: Graph, rows: number, columns: number, at: (row: number, column: number) => number): Tensor {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  return constant(graph, tensor("float32", [rows, columns], values));
}

/** Below any nearness, and finite, so that no arithmetic makes a NaN of it: every token has a cluster it may go to, so the softmax gives exactly 0. */
const OUT_OF_REACH = -1e16;

export interface ReconstructOptions {
  /** How many of the nearest clusters a token is made of; those that are as near as the last of them count too. */
  readonly k: number;
  readonly tau: number;
  /**
   * What a token's weights have for a sum. "l2": that of their squares is 1, as in the released code, so that they sum to anything from 1 to sqrt(k). "l1": their
   * own is 1, a mean.
   */
  readonly norm: "l1" | "l2";
}

/** The tokens before they were clustered (N, T, C) and the clusters right after it (N, M, C) -> (N, T, M): of which clusters each token is made. */
export function reconstructionWeights(before: Tensor, clusters: Tensor, { k, tau, norm }: ReconstructOptions): Tensor {
  const near = nearness(mul(before, 2 * tau), clusters, tau); // (N, T, M)
  const mean = softmax(k < fixedDim(clusters, 1) ? keepLargest(near, k) : near); // (N, T, M)
  if (norm === "l1") return mean;
  return div(mean, sqrt(reduceSum(mul(mean, mean), 2, { keepDims: true })));
}

/** x (…, M) with what is below the k largest of a row far below them. */
function keepLargest(x: Tensor, k: number): Tensor {
  const last = slice(topK(x, k), -1, k - 1, k); // (…, 1)
  const least = stopGradient(gatherElements(x, last, -1));
  return where(greaterOrEqual(x, least), x, OUT_OF_REACH);
}

/** The nearest cluster of each of the old tokens, whether it may go there or not: (N, T), int64. `before` (N, T, C), `clusters` (N, M, C). */
export function nearestClusters(before: Tensor, clusters: Tensor): Tensor {
  return argMax(nearness(mul(before, 2), clusters, 1), 2);
}

export interface ClusteringOptions extends Omit<ClusterOptions, "from">, ReconstructOptions {
  /** "soft": from the k nearest clusters. "hard": the nearest one's, as the released DPT has it. */
  readonly unpool: "soft" | "hard";
}

/** There and back. */
export interface Clustering {
  /** Values of tokens (N, T, any width) -> those of clusters (N, M, that width). */
  readonly rows: Rows;
  /** Values of clusters (N, M, any width), whatever became of them, -> those of tokens (N, T, that width). */
  readonly back: Rows;
}

/** Clusters of x (N, T, C), T cells of the grid `from`. */
export function clustering(x: Tensor, from: TokenGrid, options: ClusteringOptions): Clustering {
  const shares = clusterShares(x, { ...options, from });
  const rows = (values: Tensor) => clusterTokens(shares, values);
  const clusters = rows(x); // (N, M, C)
  return {
    rows,
    back: (values) =>
      options.unpool === "hard"
        ? takeRows(values, nearestClusters(x, clusters))
        : matMul(reconstructionWeights(x, clusters, options), values),
  };
}
