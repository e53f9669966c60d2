// What closed-form heads need to know of rows with classes: how many, their means, and the centred XᵀX in tridiagonal form.
import { classCounts } from "../feature-matrix.ts";
import type { TridiagonalSpace } from "../prepared.ts";
import type { Tridiagonal } from "../tridiagonal.ts";
import { classMeans } from "./nearest-mean.ts";

export interface ClassMoments {
  readonly classes: number;
  /** (classes) */
  readonly counts: Int32Array;
  /** (classes, width) */
  readonly means: Float64Array;
  /** Of all rows. (width) */
  readonly mean: Float64Array;
  readonly form: Tridiagonal;
  /** See PreparedFeatures. */
  turn(vectors: Float64Array, columns: number): Float64Array;
  turnBack(weights: Float64Array, columns: number): Float64Array;
}

export function momentsOf(prepared: TridiagonalSpace, targets: Int32Array, classes: number): ClassMoments {
  const { features, mean, form, turn, turnBack } = prepared;
  const counts = classCounts(targets, classes);
  return { classes, counts, means: classMeans(features, targets, classes), mean, form, turn, turnBack };
}

/** Turned class means less the mean of all rows. (form.size, classes) */
export function centeredClassMeans({ classes, means, mean, turn }: ClassMoments): Float64Array {
  const width = mean.length;
  const apart = new Float64Array(width * classes);
  for (let i = 0; i < width; i++)
    for (let c = 0; c < classes; c++) apart[i * classes + c] = means[c * width + i]! - mean[i]!;
  return turn(apart, classes);
}
