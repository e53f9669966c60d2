// The one table of heads: classifiers on features.
import { type FeatureMatrix, requireFinite, requireTrainable } from "./feature-matrix.ts";
import { momentsOf } from "./heads/class-moments.ts";
import { type FittedHead, type LinearHead, linearScores } from "./heads/head.ts";
import { ldaHead, ledoitWolfHead } from "./heads/lda.ts";
import { classMeans, nearestMeanHead } from "./heads/nearest-mean.ts";
import { fitNewtonHead, logisticProblem, svmProblem } from "./heads/newton-heads.ts";
import { ridgeHead } from "./heads/ridge.ts";
import { type Metric, nearest, votes } from "./neighbours.ts";
import { type PreparedFeatures, prepareFeatures } from "./prepared.ts";
import { type ProductsOf, plainProducts } from "./products.ts";

export type { FittedHead, LinearHead, NeighboursHead } from "./heads/head.ts";

export const HEADS = ["svm", "logistic", "lda", "ridge", "nearest-mean", "knn"] as const;
export type HeadName = (typeof HEADS)[number];

export interface FitOptions {
  /** svm, logistic: what the loss is multiplied with, against |w|²/2. Default: chosen. */
  readonly C?: number;
  /** svm: the intercept is this times a weight that is penalised like the others. Default 1. */
  readonly interceptScaling?: number;
  /** ridge: the penalty alpha |w|². Default: chosen. */
  readonly alpha?: number;
  /** lda: 0 to 1, or each class by Ledoit and Wolf's estimate. Default: chosen. */
  readonly shrinkage?: number | "ledoit-wolf";
  /** knn: how many neighbours vote. Default: chosen. */
  readonly k?: number;
  /** knn: default "cosine". */
  readonly metric?: Metric;
  /** Of everything that is drawn. */
  readonly seed: number;
  /** Who multiplies. Default: plain TypeScript. */
  readonly products?: ProductsOf;
  /** The same features, prepared already, for several fits. */
  readonly prepared?: PreparedFeatures;
  readonly signal?: AbortSignal;
}

/**
 * Fits a head.
 *
 * @param targets the class of each row, 0 to classes - 1
 * @throws UsageError for one class, classes without rows, targets that are none, features that are not finite; AbortedError
 */
export async function fitHead(
  name: HeadName,
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  options: FitOptions,
): Promise<FittedHead> {
  requireTrainable(features, targets, classes);
  if (name === "nearest-mean") return nearestMeanHead(classes, classMeans(features, targets, classes));
  if (name === "knn") {
    const { k = Math.min(5, features.rows), metric = "cosine" } = options;
    return { kind: "neighbours", classes, k, metric, examples: features, targets };
  }
  if (options.prepared !== undefined) return fitLinear(name, options.prepared, targets, classes, options);
  const prepared = await prepareFeatures(features, options);
  try {
    return await fitLinear(name, prepared, targets, classes, options);
  } finally {
    await prepared.turned.dispose();
  }
}

async function fitLinear(
  name: Exclude<HeadName, "nearest-mean" | "knn">,
  prepared: PreparedFeatures,
  targets: Int32Array,
  classes: number,
  { C = 1, interceptScaling = 1, alpha = 1, shrinkage = 0.1, products = plainProducts, signal }: FitOptions,
): Promise<LinearHead> {
  switch (name) {
    case "ridge":
      return ridgeHead(momentsOf(prepared, targets, classes), alpha);
    case "logistic":
      return fitNewtonHead(prepared, logisticProblem(prepared, classes), targets, C, signal);
    case "svm":
      return fitNewtonHead(prepared, svmProblem(prepared, classes, interceptScaling), targets, C, signal);
    case "lda":
      return shrinkage === "ledoit-wolf"
        ? ledoitWolfHead(prepared.features, targets, classes, { products, signal })
        : ldaHead(momentsOf(prepared, targets, classes), shrinkage);
  }
}

/**
 * Scores of a head: larger is likelier. Not probabilities (calibration.ts).
 *
 * @returns (rows, classes)
 * @throws UsageError when the features are not finite, or not as wide as those that the head was fitted to
 */
export function decisions(head: FittedHead, features: FeatureMatrix): Float64Array {
  requireFinite(features);
  if (head.kind === "linear") return linearScores(head, features);
  return votes(nearest(features, head.examples, head.k, head.metric), head.targets, head.classes);
}
