// What every head can do: be fitted with a given strength, and answer for rows that it has not seen.
import type { FeatureMatrix } from "../feature-matrix.ts";
import type { Metric } from "../neighbours.ts";
import type { PreparedFeatures } from "../prepared.ts";
import type { ProductsOf } from "../products.ts";
import type { FittedHead } from "./head.ts";

/** Rows to learn from, with what several fits share. */
export interface TrainingRows {
  readonly features: FeatureMatrix;
  readonly targets: Int32Array;
  readonly classes: number;
  readonly products: ProductsOf;
  readonly metric: Metric;
  readonly interceptScaling: number;
  readonly signal: AbortSignal | undefined;
  /** Made when first asked for. */
  prepared(): Promise<PreparedFeatures>;
}

/** What is chosen by cross-validation where it is not given, under its name in FitOptions. */
export type HeadParameter = "C" | "alpha" | "shrinkage" | "k";

export interface HeadMethod {
  /** Whether answers for a whole grid cost little more than for one value: then all are tried. */
  readonly triesAll: boolean;
  /** undefined: there is nothing to choose. */
  readonly parameter: HeadParameter | undefined;
  /** Values to choose from, from the simplest model to the most flexible one. */
  grid(rows: TrainingRows): Promise<readonly number[]>;
  fit(rows: TrainingRows, value: number): Promise<FittedHead>;
  /**
   * Scores of every row by a head that was fitted without it: without its fold, or, where that costs nothing, without the row alone.
   *
   * @param folds of each row
   * @returns for each value in turn (rows, classes); whoever has seen enough may stop
   */
  leftOut(rows: TrainingRows, values: readonly number[], folds: Int32Array): AsyncIterable<Float64Array>;
}

/** Scores of one column become two. */
export function withZeros(column: Float64Array): Float64Array {
  const scores = new Float64Array(2 * column.length);
  for (let row = 0; row < column.length; row++) scores[2 * row + 1] = column[row]!;
  return scores;
}
