// Which tokens stop at a head (mmseg_custom/decode_heads/prune_head.py): those that it is sure of, except the surest few of every class, which stay as
// context for the others.
import {
  and,
  argMax,
  cast,
  equal,
  expand,
  gatherElements,
  greater,
  iota,
  less,
  reduceMax,
  reshape,
  topK,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** So many tokens of a class stay although the head is sure of them. */
export const CONTEXT = 5;

/**
 * certainty (N, classes, tokens), above 0 -> (N, tokens), bool: a token stops when its likeliest class is above `threshold` and at least `CONTEXT` such
 * tokens of the same class are at least as sure. Of equally sure ones those that come first stay.
 *
 * @param alive which tokens there are, (N, tokens), bool; undefined where all are
 * @param least a number that the tokens are known to be no fewer than
 */
export function stopping(certainty: Tensor, threshold: number, alive: Tensor | undefined, least: number): Tensor {
  const { graph } = certainty;
  const [n, classes, tokens] = certainty.shape as [Dim, number, Dim];
  const surest = reduceMax(certainty, 1); // (N, tokens)
  const likeliest = argMax(certainty, 1); // (N, tokens)
  const isSure = greater(surest, threshold);
  const candidates = alive === undefined ? isSure : and(isSure, alive); // (N, tokens)

  const byClass = (x: Tensor) => reshape(x, [n, 1, tokens]);
  const ofClass = equal(byClass(likeliest), reshape(iota(graph, classes, "int64"), [1, classes, 1]));
  const ranked = where(and(ofClass, byClass(candidates)), byClass(surest), -1); // (N, classes, tokens)
  const kept = Math.min(CONTEXT, least);
  const context = topK(ranked, kept, 2); // (N, classes, kept), int64
  // Each token asks whether it is among the context of its own class.
  const asks = expand(reshape(likeliest, [n, tokens, 1]), [n, tokens, kept]);
  const own = gatherElements(context, asks, 1); // (N, tokens, kept)
  const isContext = equal(own, reshape(iota(graph, tokens, "int64"), [1, tokens, 1]));
  return and(candidates, less(reduceMax(cast(isContext, "float32"), 2), 0.5));
}
