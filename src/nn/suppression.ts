// The detections of a network whose candidates overlap, in the graph: what stays of each class, and of all classes the best. For exports that answer by
// themselves; the library's own tasks suppress on the host.
import {
  add,
  concat,
  div,
  expand,
  expandDims,
  gatherElements,
  mul,
  nonMaxSuppression,
  reshape,
  slice,
  sub,
  topK,
  transpose,
  where,
} from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import type { IndexOps } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedDim } from "./linear.ts";

export interface SuppressionOptions extends Pick<IndexOps["nonMaxSuppression"], "iouThreshold"> {
  /** Below which a score is none. Default 0. */
  readonly scoreThreshold?: number;
  /** Detections a picture, at most candidates times classes. */
  readonly most: number;
}

export interface Detections {
  /** (N, most, 4), as the candidates had them. */
  readonly boxes: Tensor;
  /** (N, most), the largest first; -1 where a picture has fewer. */
  readonly scores: Tensor;
  /** (N, most), int64. */
  readonly classes: Tensor;
}

/**
 * @param boxes (N, Q, 4) as centre x, centre y, width, height
 * @param scores (N, Q, classes), 0 to 1
 */
export function suppress(boxes: Tensor, scores: Tensor, options: SuppressionOptions): Detections {
  const { iouThreshold, scoreThreshold = 0, most } = options;
  const classes = fixedDim(scores, 2);
  const [n] = scores.shape as [Dim];
  const byClass = transpose(scores, [0, 2, 1]); // (N, classes, Q)
  const stays = nonMaxSuppression(cornersOf(boxes), byClass, { iouThreshold, scoreThreshold });
  const left = reshape(transpose(where(stays, byClass, -1), [0, 2, 1]), [n, -1]); // (N, Q * classes)
  const best = topK(left, most); // (N, most)
  const from = div(best, classes); // the candidate of each
  return {
    boxes: gatherElements(boxes, expand(expandDims(from, 2), [n, most, 4]), 1),
    scores: gatherElements(left, best, 1),
    classes: sub(best, mul(from, classes)),
  };
}

/** Centre and size (…, 4) -> x0, y0, x1, y1. */
export function cornersOf(boxes: Tensor): Tensor {
  const centre = slice(boxes, -1, 0, 2);
  const half = mul(slice(boxes, -1, 2, 4), 0.5);
  return concat([sub(centre, half), add(centre, half)], -1);
}
