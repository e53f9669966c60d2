// What a fitted head is: plain numbers, that a graph, a file or a page can take.

import { multiply } from "../dense.ts";
import type { FeatureMatrix } from "../feature-matrix.ts";
import { requireWidth } from "../feature-matrix.ts";

/**
 * Scores are x·weight + bias. With two classes the first row is zeros, so that softmax and the largest score mean what the one decision value of a
 * two-class problem means.
 */
export interface LinearHead {
  readonly kind: "linear";
  readonly classes: number;
  readonly width: number;
  /** (classes, width) */
  readonly weight: Float64Array;
  /** (classes) */
  readonly bias: Float64Array;
}

/** Scores are the classes' shares among the `k` nearest examples. */
export interface NeighboursHead {
  readonly kind: "neighbours";
  readonly classes: number;
  readonly k: number;
  readonly metric: "cosine" | "l2";
  readonly examples: FeatureMatrix;
  readonly targets: Int32Array;
}

export type FittedHead = LinearHead | NeighboursHead;

/**
 * A linear head from weights by column.
 *
 * @param weights (width, columns): a column for each class, or one alone, which tells the second of two classes from the first
 * @param bias (columns)
 */
export function linearHead(classes: number, weights: Float64Array, bias: Float64Array): LinearHead {
  const columns = bias.length;
  const width = weights.length / columns;
  const first = classes - columns;
  const weight = new Float64Array(classes * width);
  for (let i = 0; i < width; i++)
    for (let c = 0; c < columns; c++) weight[(first + c) * width + i] = weights[i * columns + c]!;
  const biases = new Float64Array(classes);
  biases.set(bias, first);
  return { kind: "linear", classes, width, weight, bias: biases };
}

/** Two rows become zeros and their difference; more stay as they are. */
export function asDifference(head: LinearHead): LinearHead {
  if (head.classes !== 2) return head;
  const { width } = head;
  const weight = new Float64Array(2 * width);
  for (let i = 0; i < width; i++) weight[width + i] = head.weight[width + i]! - head.weight[i]!;
  return { ...head, weight, bias: Float64Array.of(0, head.bias[1]! - head.bias[0]!) };
}

/** Scores of a linear head. @returns (rows, classes) */
export function linearScores({ classes, width, weight, bias }: LinearHead, features: FeatureMatrix): Float64Array {
  requireWidth(features, width, "the head");
  const columns = new Float64Array(weight.length);
  for (let c = 0; c < classes; c++) for (let i = 0; i < width; i++) columns[i * classes + c] = weight[c * width + i]!;
  const scores = multiply(features.data, columns, features.rows, width, classes);
  for (let row = 0, at = 0; row < features.rows; row++) for (let c = 0; c < classes; c++, at++) scores[at]! += bias[c]!;
  return scores;
}
