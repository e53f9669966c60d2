// What it costs to give a prediction to a thing: the matrices that matching reads, (N, queries, things). Reproduces DETR's, Deformable DETR's and Mask2Former's
// matchers (facebookresearch/detr, fundamentalvision/Deformable-DETR models/matcher.py; facebookresearch/Mask2Former modeling/matcher.py).
import {
  abs,
  add,
  cast,
  div,
  equal,
  exp,
  iota,
  log,
  matMul,
  mul,
  neg,
  reduceSum,
  relu,
  reshape,
  sigmoid,
  softmax,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedDim, fixedWidth } from "../../nn/linear.ts";
import { coordinatesOf, generalizedOverlap } from "./boxes.ts";

/** Inside a logarithm. */
const EPSILON = 1e-8;
export const FOCAL_ALPHA = 0.25;

/** classes (N, T) int64 -> (N, T, count), 1 at each thing's class. */
export function oneHot(classes: Tensor, count: number): Tensor {
  const [n, things] = [classes.shape[0]!, fixedDim(classes, 1)];
  const all = reshape(iota(classes.graph, count, "int64"), [1, 1, count]);
  return cast(equal(reshape(classes, [n, things, 1]), all), "float32");
}

/** What each thing's class costs: perClass (N, Q, C), classes (N, T) -> (N, Q, T). */
const ofClasses = (perClass: Tensor, classes: Tensor): Tensor =>
  matMul(perClass, oneHot(classes, fixedWidth(perClass)), { transposeB: true });

/** Minus the probability of the thing's class. logits (N, Q, classes + 1), the last that of nothing. */
export function probabilityCost(logits: Tensor, classes: Tensor): Tensor {
  return neg(ofClasses(softmax(logits), classes));
}

/** What the focal loss would change by. logits (N, Q, classes). */
export function focalCost(logits: Tensor, classes: Tensor): Tensor {
  const p = sigmoid(logits);
  const q = sub(1, p);
  const is = mul(mul(mul(q, q), FOCAL_ALPHA), neg(log(add(p, EPSILON))));
  const isNot = mul(mul(mul(p, p), 1 - FOCAL_ALPHA), neg(log(add(q, EPSILON))));
  return ofClasses(sub(is, isNot), classes);
}

/** Sum of the four distances. a (N, Q, 4), b (N, T, 4), or (N, Q, T, 4) where it depends on the prediction. */
export function distanceCost(a: Tensor, b: Tensor): Tensor {
  const [n, queries] = [a.shape[0]!, a.shape[1]!];
  const things = b.shape.length === 4 ? b : reshape(b, [n, 1, b.shape[1]!, 4]);
  return reduceSum(abs(sub(reshape(a, [n, queries, 1, 4]), things)), -1);
}

/** Minus the generalised overlap. boxes (N, Q, 4) and (N, T, 4), centres and sizes. */
export function overlapCost(boxes: Tensor, targets: Tensor): Tensor {
  return neg(generalizedOverlap(coordinatesOf(boxes, 2), coordinatesOf(targets, 1)));
}

/** log(1 + exp(x)), which never overflows. */
const softplus = (x: Tensor): Tensor => add(relu(x), log(add(exp(neg(abs(x))), 1)));

/** Mean binary cross-entropy over points. masks (N, Q, P) logits, targets (N, T, P) in 0..1. */
export function maskCost(masks: Tensor, targets: Tensor): Tensor {
  const transposeB = { transposeB: true };
  const inside = matMul(softplus(neg(masks)), targets, transposeB);
  const outside = matMul(softplus(masks), sub(1, targets), transposeB);
  return mul(add(inside, outside), 1 / fixedWidth(masks));
}

/** 1 less Dice's overlap, with 1 above and below. masks (N, Q, P) logits, targets (N, T, P). */
export function diceCost(masks: Tensor, targets: Tensor): Tensor {
  const p = sigmoid(masks);
  const both = mul(matMul(p, targets, { transposeB: true }), 2);
  const [n, queries, things] = [p.shape[0]!, p.shape[1]!, targets.shape[1]!];
  const sums = add(reshape(reduceSum(p, -1), [n, queries, 1]), reshape(reduceSum(targets, -1), [n, 1, things]));
  return sub(1, div(add(both, 1), add(sums, 1)));
}
