// What Expedit does with tokens (Liang et al., NeurIPS 2022): tokens of a grid become those of a smaller grid by soft clustering, and later each of the old
// ones is put together again from the clusters near to it. Reproduces Expedit-LargeScale-Vision-Transformer/Expedit-Segmenter, mmseg/ops/cluster.py and
// mmseg/ops/reconstruction.py, and Expedit-SAM, segment_anything/modeling/hourglass_image_encoder.py.
import {
  add,
  argMax,
  div,
  gatherElements,
  greaterOrEqual,
  matMul,
  maximum,
  mul,
  reduceSum,
  reshape,
  slice,
  softmax,
  sqrt,
  stopGradient,
  topK,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { poolingShares } from "../adaptive-pool.ts";
import { fixedDim } from "../linear.ts";
import type { TokenGrid } from "../windows.ts";
import { nearness, OUT_OF_REACH, type ReachOptions, reachOf } from "./cluster-reach.ts";
import { takeRows } from "./rows.ts";
import type { Rows } from "./state.ts";

export interface ClusterOptions extends ReachOptions {
  /** How often centroids move to the mean of their tokens; at least once. */
  readonly iterations: number;
  /** What squared distances are multiplied by before the softmax: the larger, the harder the clusters. */
  readonly tau: number;
}

/**
 * Finds W for x (N, T, C), T cells of a grid row by row, and gives it as what it does: values of tokens (N, T, any width) -> those of clusters (N, M, that width). Its
 * rows sum to 1. As in the official code no gradient goes through W itself.
 */
export function clusterRows(x: Tensor, options: ClusterOptions, reach = reachOf(x.graph, options)): Rows {
  const { from, to, iterations, tau } = options;
  const fixed = stopGradient(x);
  const scaled = mul(fixed, 2 * tau); // (N, T, C)
  let centroids = averagePool(fixed, from, to); // (N, M, C)
  for (let i = 1; ; i++) {
    const affinity = softmax(add(reach.nearness(scaled, centroids, tau), reach.mask));
    const total = maximum(reach.total(affinity), LEAST_TOTAL); // (N, M)
    const rows = (values: Tensor) => div(reach.sum(affinity, values), reshape(total, [...total.shape, 1]));
    if (i >= iterations) return rows;
    centroids = rows(fixed);
  }
}

/** Instead of the nothing that a cluster has from which all tokens are too far away for a float. */
const LEAST_TOTAL = 1e-16;

/** x (N, T, C) -> (N, M, C): each cell of the smaller grid is the mean of the cells it touches (PyTorch's adaptive_avg_pool2d). */
function averagePool(x: Tensor, from: TokenGrid, to: TokenGrid): Tensor {
  const [n, , width] = x.shape as [Dim, Dim, number];
  const rows = matMul(poolingShares(x.graph, from.height, to.height), reshape(x, [n, from.height, from.width * width]));
  const cells = matMul(poolingShares(x.graph, from.width, to.width), reshape(rows, [n, to.height, from.width, width]));
  return reshape(cells, [n, to.height * to.width, width]);
}

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
  const rows = clusterRows(x, { ...options, from });
  const clusters = rows(x); // (N, M, C)
  return {
    rows,
    back: (values) =>
      options.unpool === "hard"
        ? takeRows(values, nearestClusters(x, clusters))
        : matMul(reconstructionWeights(x, clusters, options), values),
  };
}
