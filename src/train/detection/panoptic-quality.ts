// Panoptic quality of each picture of a batch, in the graph: what a model's masks would be worth as a panoptic segmentation. Masks become segments as Mask2Former's panoptic
// inference has it (facebookresearch/Mask2Former, mask2former/maskformer_model.py panoptic_inference), and segments are matched and counted as panopticapi does it, things and
// stuff of all classes together. Nothing of it has a gradient.
import {
  add,
  and,
  argMax,
  cast,
  div,
  equal,
  greater,
  greaterOrEqual,
  iota,
  less,
  matMul,
  maximum,
  minimum,
  mul,
  not,
  reduceMax,
  reduceSum,
  reshape,
  resize,
  sigmoid,
  softmax,
  sub,
  values,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedDim, fixedWidth } from "../../nn/linear.ts";
import { oneHot } from "./costs.ts";

/** What a model says: class logits (N, Q, classes + 1), the last that of nothing, and mask logits (N, Q, h, w). */
export interface SaidMasks {
  readonly classLogits: Tensor;
  readonly maskLogits: Tensor;
}

/** What is there: classes (N, T) int64, masks (N, T, H, W) of 0 and 1, and which of the T there are, (N, T) of 0 and 1. */
export interface TrueMasks {
  readonly classes: Tensor;
  readonly masks: Tensor;
  readonly valid: Tensor;
}

export interface QualityOptions {
  /** Classes of what can be counted; all segments of another class are one. Default: all are. */
  readonly things?: readonly number[] | undefined;
  /** How sure a query must be of its class to have a segment. Default 0.8, as panoptic segmentation has it. */
  readonly threshold?: number;
}

/** A segment that keeps a smaller share of its mask is hidden behind others. */
const OVERLAP = 0.8;

/**
 * (N), 0 to 1: the overlaps of segments that are right, over these and half of those that are wrong or missed; 1 where nothing is there and nothing is found. Pixels that are of
 * nothing, and things without a pixel, count for nothing.
 */
export function panopticQuality(
  said: SaidMasks,
  { classes, masks, valid }: TrueMasks,
  { things, threshold = 0.8 }: QualityOptions = {},
): Tensor {
  const [n, count, height, width] = masks.shape as [number, number, number, number];
  const cells = height * width;
  const truth = mul(reshape(masks, [n, count, cells]), reshape(valid, [n, count, 1]));
  const { segments, labels, kept } = segmentsOf(said, { height, width, things, threshold });
  const queries = fixedDim(kept, 1);

  const known = minimum(reduceSum(truth, 1, { keepDims: true }), 1); // (N, 1, cells)
  const area = reduceSum(segments, 2); // (N, Q)
  const knownArea = reduceSum(mul(segments, known), 2); // (N, Q)
  const trueArea = reduceSum(truth, 2); // (N, T)
  const both = matMul(segments, truth, { transposeB: true }); // (N, Q, T)
  const either = sub(add(reshape(knownArea, [n, queries, 1]), reshape(trueArea, [n, 1, count])), both);
  const overlap = div(both, maximum(either, 1));
  const sameClass = equal(reshape(labels, [n, queries, 1]), reshape(classes, [n, 1, count]));
  const isRight = and(greater(overlap, 0.5), sameClass);
  const right = mul(cast(isRight, "float32"), reshape(kept, [n, queries, 1])); // (N, Q, T)

  const ofNothing = greater(sub(area, knownArea), mul(area, 0.5)); // more than half of it is where nobody knows
  const excused = cast(ofNothing, "float32");
  const matched = reduceMax(right, 2); // (N, Q)
  const wrong = reduceSum(mul(mul(kept, sub(1, matched)), sub(1, excused)), 1); // (N)
  const seen = cast(greater(trueArea, 0), "float32"); // (N, T)
  const missed = reduceSum(mul(seen, sub(1, reduceMax(right, 1))), 1); // (N)
  const hits = reduceSum(right, [1, 2]); // (N)
  const whole = add(hits, mul(add(wrong, missed), 0.5));
  const isEmpty = cast(equal(whole, 0), "float32");
  return add(div(reduceSum(mul(right, overlap), [1, 2]), maximum(whole, 0.5)), isEmpty);
}

interface Segments {
  /** (N, Q, cells): 1 for the cells of each query's segment; no cell is in two. */
  readonly segments: Tensor;
  /** (N, Q) int64 */
  readonly labels: Tensor;
  /** (N, Q): 1 for queries that have one. */
  readonly kept: Tensor;
}

interface SegmentOptions extends Required<Pick<QualityOptions, "threshold">> {
  readonly height: number;
  readonly width: number;
  readonly things: readonly number[] | undefined;
}

function segmentsOf({ classLogits, maskLogits }: SaidMasks, options: SegmentOptions): Segments {
  const { height, width, things, threshold } = options;
  const { graph } = classLogits;
  const [n, queries] = [fixedDim(classLogits, 0), fixedDim(classLogits, 1)];
  const classes = fixedWidth(classLogits) - 1;
  const perQuery = (x: Tensor) => reshape(x, [n, queries, 1]);
  const logits = reshape(resize(maskLogits, [height, width], "linear"), [n, queries, height * width]);
  const probabilities = softmax(classLogits);
  const labels = argMax(probabilities, 2); // (N, Q)
  const sureness = reduceMax(probabilities, 2); // (N, Q)
  const isSure = and(greater(sureness, threshold), not(equal(labels, classes)));
  const sure = cast(isSure, "float32"); // (N, Q)

  const scores = mul(sigmoid(logits), perQuery(mul(sure, sureness))); // (N, Q, cells)
  const owner = reshape(argMax(scores, 1), [n, 1, height * width]);
  const numbers = reshape(iota(graph, queries, "int64"), [1, queries, 1]);
  const owned = mul(cast(equal(owner, numbers), "float32"), perQuery(sure));
  const inside = cast(greaterOrEqual(logits, 0), "float32");
  const own = mul(owned, inside); // (N, Q, cells)
  const whole = reduceSum(inside, 2);
  const isShown = and(greaterOrEqual(reduceSum(owned, 2), mul(whole, OVERLAP)), greater(reduceSum(own, 2), 0));
  const shown = mul(sure, cast(isShown, "float32")); // (N, Q)
  const segments = mul(own, perQuery(shown));
  if (things === undefined || things.length === classes) return { segments, labels, kept: shown };

  // Segments of one kind of stuff are the first one's.
  const isStuff = Array.from({ length: classes + 1 }, (_, index) => (things.includes(index) ? 0 : 1));
  const ofStuff = mul(oneHot(labels, classes + 1), values(graph, [1, 1, classes + 1], isStuff)); // (N, Q, classes + 1)
  const stuff = mul(ofStuff, perQuery(shown));
  const together = matMul(stuff, stuff, { transposeB: true }); // (N, Q, Q): 1 where both are of one kind
  const places = (shape: readonly number[]) => reshape(iota(graph, queries, "int64"), shape);
  const [rows, columns] = [places([1, queries, 1]), places([1, 1, queries])];
  const follows = reduceMax(mul(together, cast(less(columns, rows), "float32")), 2); // (N, Q): not the first of its kind
  const kept = mul(shown, sub(1, follows));
  const joined = matMul(maximum(together, cast(equal(rows, columns), "float32")), segments);
  return { segments: mul(joined, perQuery(kept)), labels, kept };
}
