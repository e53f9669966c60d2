// Nearest class mean: the class whose mean is closest (Janson et al., A Simple Baseline that Questions the Use of Pretrained Models in Continual
// Learning, 2022). |x - m|² = |x|² - 2 m·x + |m|², and |x|² is the same for all classes, so it is a linear head.
import { multiply, transpose } from "../dense.ts";
import { classCounts, type FeatureMatrix, rowOf } from "../feature-matrix.ts";
import { asDifference, type LinearHead } from "./head.ts";
import type { HeadMethod } from "./method.ts";

/** @param means (classes, width) */
export function nearestMeanHead(classes: number, means: Float64Array): LinearHead {
  const width = means.length / classes;
  const bias = Float64Array.from({ length: classes }, (_, c) => {
    let square = 0;
    for (let i = c * width; i < (c + 1) * width; i++) square += means[i]! * means[i]!;
    return -square;
  });
  return asDifference({ kind: "linear", classes, width, weight: means.map((value) => 2 * value), bias });
}

/** The mean of each class's rows; zeros where there are none. (classes, width) */
export function classMeans({ rows, width, data }: FeatureMatrix, targets: Int32Array, classes: number): Float64Array {
  const counts = classCounts(targets, classes);
  const means = new Float64Array(classes * width);
  for (let row = 0, at = 0; row < rows; row++) {
    const to = targets[row]! * width;
    for (let i = 0; i < width; i++, at++) means[to + i] = means[to + i]! + data[at]!;
  }
  for (let c = 0, at = 0; c < classes; c++) for (let i = 0; i < width; i++, at++) means[at]! /= Math.max(counts[c]!, 1);
  return means;
}

export const nearestMeanMethod: HeadMethod = {
  triesAll: true,
  parameter: undefined,
  grid: async () => [0],
  fit: async ({ features, targets, classes }) => nearestMeanHead(classes, classMeans(features, targets, classes)),
  async *leftOut({ features, targets, classes }) {
    yield meansLeftOut(features, targets, classes);
  },
};

/** Scores with each row taken out of its own class's mean m: that becomes (n m - x) / (n - 1). */
function meansLeftOut(features: FeatureMatrix, targets: Int32Array, classes: number): Float64Array {
  const { rows, width } = features;
  const counts = classCounts(targets, classes);
  const means = classMeans(features, targets, classes);
  const along = multiply(features.data, transpose(means, classes), rows, width, classes);
  const squares = Float64Array.from({ length: classes }, (_, c) =>
    squareOf(means.subarray(c * width, (c + 1) * width)),
  );
  const scores = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < classes; c++) scores[row * classes + c] = 2 * along[row * classes + c]! - squares[c]!;
    const own = targets[row]!;
    const n = counts[own]!;
    const square = squareOf(rowOf(features, row));
    const dot = along[row * classes + own]!;
    const newDot = (n * dot - square) / (n - 1);
    const newSquare = (n * n * squares[own]! - 2 * n * dot + square) / (n - 1) ** 2;
    scores[row * classes + own] = 2 * newDot - newSquare;
    if (classes === 2) {
      scores[2 * row + 1]! -= scores[2 * row]!;
      scores[2 * row] = 0;
    }
  }
  return scores;
}

function squareOf(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}
