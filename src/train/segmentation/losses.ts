// Losses of models that say a class for every pixel: cross-entropy, and Dice as medical segmentation has it.
import {
  add,
  cast,
  div,
  equal,
  iota,
  lessOrEqual,
  log,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  softmax,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** Added to both sides of Dice's quotient, so that a class that is nowhere, and found nowhere, is right. */
const SMOOTH = 1e-5;

/** What every pixel is. */
export interface PixelTargets {
  /** (N, classes, h, w): 1 for the class of each pixel. All are 0 where nobody says. */
  readonly oneHot: Tensor;
  /** (N, 1, h, w): 1 where it is said. */
  readonly known: Tensor;
}

/** @param semantic (N, h, w) int64: classes; what is no class says nothing */
export function pixelTargets(semantic: Tensor, classes: number): PixelTargets {
  const [n, height, width] = semantic.shape as [number, number, number];
  const spread = reshape(semantic, [n, 1, height, width]);
  const numbers = reshape(iota(semantic.graph, classes, "int64"), [1, classes, 1, 1]);
  return {
    oneHot: cast(equal(spread, numbers), "float32"),
    known: cast(lessOrEqual(cast(spread, "float32"), classes - 1), "float32"),
  };
}

/** The mean over the pixels that are known. logits (N, classes, h, w) */
export function pixelCrossEntropy(logits: Tensor, { oneHot, known }: PixelTargets): Tensor {
  const ofPixels = reduceSum(mul(oneHot, logSoftmax(logits, 1)), [0, 1, 2, 3]);
  return neg(div(ofPixels, add(reduceSum(known, [0, 1, 2, 3]), 1e-12)));
}

/** Certainties are kept so far from 0 and 1, inside of a logarithm. */
const LEAST = 1e-6;

/**
 * The same for classes that are each more or less certain by themselves: the sum over classes of their binary cross-entropies, so that a certainty of 0.9 is right nine times
 * of ten. certainty (N, classes, h, w) in 0..1
 */
export function certaintyCrossEntropy(certainty: Tensor, { oneHot, known }: PixelTargets): Tensor {
  const p = minimum(maximum(certainty, LEAST), 1 - LEAST);
  const own = add(mul(oneHot, log(p)), mul(sub(1, oneHot), log(sub(1, p))));
  return neg(div(reduceSum(mul(own, known), [0, 1, 2, 3]), add(reduceSum(known, [0, 1, 2, 3]), 1e-12)));
}

/** `shareLoss` of what a softmax of logits (N, classes, h, w) gives. */
export function diceLoss(logits: Tensor, targets: PixelTargets): Tensor {
  return shareLoss(softmax(logits, 1), targets);
}

/**
 * One less twice the overlap of what is found and what is there, over the squares of both, for each class over all of the batch; the mean over classes. shares (N, classes, h, w) in
 * 0..1; pixels that are not known count for nothing.
 */
export function shareLoss(shares: Tensor, { oneHot, known }: PixelTargets): Tensor {
  const found = mul(shares, known);
  const perClass = (x: Tensor) => reduceSum(x, [0, 2, 3]); // (classes)
  const overlap = add(mul(perClass(mul(found, oneHot)), 2), SMOOTH);
  const both = add(add(perClass(mul(found, found)), perClass(oneHot)), SMOOTH);
  return reduceMean(sub(1, div(overlap, both)), 0);
}
