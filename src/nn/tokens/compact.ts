// Tokens that are left where the picture decides which: kept ones first, in their order, cut to the largest count of the batch.
import { cast, iota, less, reduceMax, reduceSum, reshape, takeFirst, topK } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";

export interface Compacted {
  /** Which of the tokens are left, in their order: (N, LEFT), int64. In a batch, rows with fewer are filled up with tokens that are not. */
  readonly order: Tensor;
  /** Which of `order` are left and no filling, (N, LEFT), bool; undefined where all are: one picture has no longer neighbour. */
  readonly alive: Tensor | undefined;
}

/**
 * @param keep which tokens stay, (N, tokens), bool: at least one of each row
 * @param left the name of the new size: the largest count of the batch
 */
export function compact(keep: Tensor, left: string): Compacted {
  const [n, tokens] = keep.shape as [Dim, Dim];
  const counted = cast(keep, "float32"); // (N, tokens)
  const counts = cast(reduceSum(counted, 1, { keepDims: true }), "int64"); // (N, 1)
  // Equal values keep their order, so sorting by 1 and 0 parts them and does no more.
  const order = takeFirst(topK(counted, tokens, 1), reduceMax(counts, [0, 1]), 1, left);
  const alive = n === 1 ? undefined : less(reshape(iota(keep.graph, left, "int64"), [1, left]), counts);
  return { order, alive };
}
