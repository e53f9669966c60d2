// Losses of sets that were matched with things: each is a sum over what was matched, divided by the number of things. Reproduces DETR's, Deformable DETR's and
// Mask2Former's criteria (facebookresearch/detr models/detr.py, models/segmentation.py; facebookresearch/Mask2Former modeling/criterion.py).
import {
  abs,
  add,
  cast,
  concat,
  div,
  exp,
  log,
  logSoftmax,
  matMul,
  maximum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  sigmoid,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedWidth } from "../../nn/linear.ts";
import { coordinatesOf, generalizedOverlap } from "./boxes.ts";
import { FOCAL_ALPHA, oneHot } from "./costs.ts";
import type { Matching } from "./matching.ts";

/** The number of things in a batch, at least 1, as a scalar. count (N) int64. */
export function thingCount(count: Tensor): Tensor {
  return maximum(reduceSum(cast(count, "float32"), 0), 1);
}

const total = (x: Tensor): Tensor =>
  reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  );

/** Binary cross-entropy, element by element: max(x, 0) - x t + log(1 + exp(-|x|)) never overflows. */
export function crossEntropyOf(logits: Tensor, targets: Tensor): Tensor {
  return add(sub(relu(logits), mul(logits, targets)), log(add(exp(neg(abs(logits))), 1)));
}

/** Focal loss (Lin et al., ICCV 2017; gamma 2), element by element. */
export function focal(logits: Tensor, targets: Tensor, alpha = FOCAL_ALPHA): Tensor {
  const p = sigmoid(logits);
  const wrong = add(mul(p, sub(1, targets)), mul(sub(1, p), targets)); // 1 less the probability of what is right
  const weight = add(mul(targets, alpha), mul(sub(1, targets), 1 - alpha));
  return mul(mul(weight, mul(wrong, wrong)), crossEntropyOf(logits, targets));
}

/** Focal loss of all classes. logits (N, Q, C), classes (N, T). */
export function focalClassLoss(logits: Tensor, classes: Tensor, { pairs }: Matching, things: Tensor): Tensor {
  const targets = matMul(pairs, oneHot(classes, fixedWidth(logits))); // (N, Q, C)
  return div(total(focal(logits, targets)), things);
}

/**
 * Cross-entropy over classes and "nothing", which counts `emptyWeight`; a weighted mean over all predictions. logits (N, Q, classes + 1), classes (N, T).
 */
export function classLoss(logits: Tensor, classes: Tensor, { pairs, matched }: Matching, emptyWeight: number): Tensor {
  const own = matMul(pairs, oneHot(classes, fixedWidth(logits) - 1)); // (N, Q, classes)
  const targets = concat([own, sub(1, reshape(matched, [...matched.shape, 1]))], -1);
  const entropy = neg(reduceSum(mul(targets, logSoftmax(logits)), -1)); // (N, Q)
  const weights = add(mul(matched, 1 - emptyWeight), emptyWeight);
  return div(total(mul(entropy, weights)), total(weights));
}

/** Sum of distances. values (N, Q, 4), targets (N, Q, 4) of the matched. */
export function distanceLoss(values: Tensor, targets: Tensor, { matched }: Matching, things: Tensor): Tensor {
  return div(total(mul(reduceSum(abs(sub(values, targets)), -1), matched)), things);
}

/** 1 less the generalised overlap. boxes (N, Q, 4), targets (N, Q, 4) of the matched. */
export function overlapLoss(boxes: Tensor, targets: Tensor, { matched }: Matching, things: Tensor): Tensor {
  const apart = sub(1, generalizedOverlap(coordinatesOf(boxes), coordinatesOf(targets)));
  return div(total(mul(apart, matched)), things);
}

/** boxes (N, T, 4) -> (N, Q, 4): each prediction's own; the middle of the picture for those that have none, which no loss counts. */
export function ownBoxes(boxes: Tensor, { pairs, matched }: Matching): Tensor {
  const rest = reshape(sub(1, matched), [...matched.shape, 1]);
  return add(matMul(pairs, boxes), mul(rest, 0.5));
}

/** Masks of the things' predictions: masks (N, Q, P) -> (N, T, P), and (N, T), 1 for things that have one. */
export function masksOfThings(masks: Tensor, { pairs }: Matching): { readonly masks: Tensor; readonly found: Tensor } {
  return { masks: matMul(pairs, masks, { transposeA: true }), found: reduceSum(pairs, 1) };
}

/** Mean over points, summed over the things that were found. logits and targets (N, T, P), found (N, T). */
export const maskLosses = {
  entropy: (logits: Tensor, targets: Tensor, found: Tensor, things: Tensor): Tensor =>
    div(total(mul(reduceMean(crossEntropyOf(logits, targets), -1), found)), things),
  focal: (logits: Tensor, targets: Tensor, found: Tensor, things: Tensor): Tensor =>
    div(total(mul(reduceMean(focal(logits, targets), -1), found)), things),
  /** With 1 above and below. */
  dice(logits: Tensor, targets: Tensor, found: Tensor, things: Tensor): Tensor {
    const p = sigmoid(logits);
    const both = mul(reduceSum(mul(p, targets), -1), 2);
    const sums = add(reduceSum(p, -1), reduceSum(targets, -1));
    return div(total(mul(sub(1, div(add(both, 1), add(sums, 1))), found)), things);
  },
};
