// Nearest class mean: the class whose mean is closest (Janson et al., A Simple Baseline that Questions the Use of Pretrained Models in Continual
// Learning, 2022). |x - m|² = |x|² - 2 m·x + |m|², and |x|² is the same for all classes, so it is a linear head.
import { classCounts, type FeatureMatrix } from "../feature-matrix.ts";
import { asDifference, type LinearHead } from "./head.ts";

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
