// The one table of heads: classifiers on features.
import { UsageError } from "../errors.ts";
import { type CrossValidation, crossValidate, stratifiedFolds } from "./cross-validation.ts";
import { type FeatureMatrix, requireFinite, requireTrainable } from "./feature-matrix.ts";
import { type FittedHead, linearScores } from "./heads/head.ts";
import { knnMethod } from "./heads/knn.ts";
import { LEDOIT_WOLF, ldaMethod } from "./heads/lda.ts";
import type { HeadMethod, HeadParameter, TrainingRows } from "./heads/method.ts";
import { nearestMeanMethod } from "./heads/nearest-mean.ts";
import { logisticMethod, svmMethod } from "./heads/newton-heads.ts";
import { ridgeMethod } from "./heads/ridge.ts";
import { type Metric, nearest, votes } from "./neighbours.ts";
import { type PreparedFeatures, prepareFeatures } from "./prepared.ts";
import { type ProductsOf, plainProducts } from "./products.ts";

export type { FittedHead, LinearHead, NeighboursHead } from "./heads/head.ts";

export const HEADS = ["svm", "logistic", "lda", "ridge", "nearest-mean", "knn"] as const;
export type HeadName = (typeof HEADS)[number];

const METHODS: Readonly<Record<HeadName, HeadMethod>> = {
  svm: svmMethod,
  logistic: logisticMethod,
  lda: ldaMethod,
  ridge: ridgeMethod,
  "nearest-mean": nearestMeanMethod,
  knn: knnMethod,
};

export interface FitOptions {
  /** svm, logistic: what the loss is multiplied with, against |w|²/2. Default: chosen by cross-validation. */
  readonly C?: number;
  /** svm: the intercept is this times a weight that is penalised like the others. Default 1. */
  readonly interceptScaling?: number;
  /** ridge: the penalty alpha |w|². Default: chosen by leaving rows out. */
  readonly alpha?: number;
  /** lda: 0 to 1, or each class by Ledoit and Wolf's estimate. Default: chosen by cross-validation. */
  readonly shrinkage?: number | "ledoit-wolf";
  /** knn: how many neighbours vote. Default: chosen by leaving rows out. */
  readonly k?: number;
  /** knn: default "cosine". */
  readonly metric?: Metric;
  /** Folds of cross-validation: how many, or the fold of each row, of which every class needs two. Default 5. */
  readonly folds?: number | Int32Array;
  /** Of the folds. */
  readonly seed: number;
  /** Who multiplies. Default: plain TypeScript. */
  readonly products?: ProductsOf;
  /** The same features, prepared already, for several fits; the caller disposes of them. */
  readonly prepared?: PreparedFeatures;
  /** Called as the fit goes on with the share that is done, 0 to 1; a search that ends early leaps. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** A head and how well it does on rows that it has not seen. */
export interface ValidatedHead {
  readonly head: FittedHead;
  /** What was given or chosen; undefined where the head has nothing to choose. */
  readonly parameter: { readonly name: HeadParameter; readonly value: number | "ledoit-wolf" } | undefined;
  readonly validation: CrossValidation;
  /** The fold of each row. */
  readonly folds: Int32Array;
}

/**
 * Fits a head. Where its strength is not given it is chosen by cross-validation.
 *
 * @param targets the class of each row, 0 to classes - 1
 * @throws UsageError for one class, classes without rows (or with one, where something is to be chosen), targets that are none, features or strengths
 *   that are not finite; AbortedError
 */
export async function fitHead(
  name: HeadName,
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  options: FitOptions,
): Promise<FittedHead> {
  const method = METHODS[name];
  if (method.parameter !== undefined && options[method.parameter] === undefined)
    return (await validateHead(name, features, targets, classes, options)).head;
  requireTrainable(features, targets, classes);
  return withRows(features, targets, classes, options, (rows) => method.fit(rows, givenValue(method, options) ?? 0));
}

/**
 * Fits a head, and answers for every row by heads that have not seen it: five folds, or for ridge regression, nearest means and neighbours each row
 * alone.
 *
 * @throws as fitHead; UsageError for fewer than two rows of a class
 */
export async function validateHead(
  name: HeadName,
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  options: FitOptions,
): Promise<ValidatedHead> {
  requireTrainable(features, targets, classes);
  const method = METHODS[name];
  const { folds: wanted = 5 } = options;
  const folds = typeof wanted === "number" ? stratifiedFolds(targets, classes, wanted, options.seed) : wanted;
  return withRows(features, targets, classes, options, async (rows) => {
    const given = givenValue(method, options);
    const values = given === undefined ? await method.grid(rows) : [given];
    const validation = await crossValidate(method, rows, values, folds, (tried) =>
      options.onProgress?.(tried / (values.length + 1)),
    );
    const head = await method.fit(rows, validation.best);
    options.onProgress?.(1);
    const value = method === ldaMethod && validation.best === LEDOIT_WOLF ? "ledoit-wolf" : validation.best;
    return {
      head,
      parameter: method.parameter === undefined ? undefined : { name: method.parameter, value },
      validation,
      folds,
    };
  });
}

async function withRows<T>(
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  options: FitOptions,
  use: (rows: TrainingRows) => Promise<T>,
): Promise<T> {
  const { products = plainProducts, metric = "cosine", interceptScaling = 1, signal } = options;
  let made: Promise<PreparedFeatures> | undefined;
  const prepared = () => {
    if (options.prepared !== undefined) return Promise.resolve(options.prepared);
    made ??= prepareFeatures(features, { products, signal });
    return made;
  };
  try {
    return await use({ features, targets, classes, products, metric, interceptScaling, signal, prepared });
  } finally {
    await (await made?.catch(() => undefined))?.turned.dispose();
  }
}

/** The strength that the caller asks for. */
function givenValue({ parameter }: HeadMethod, options: FitOptions): number | undefined {
  const given = parameter === undefined ? undefined : options[parameter];
  if (given === undefined || given === "ledoit-wolf") return given && LEDOIT_WOLF;
  const fine = parameter === "shrinkage" ? given >= 0 && given <= 1 : given > 0 && Number.isFinite(given);
  if (!fine)
    throw new UsageError(
      `${parameter} is ${given}`,
      parameter === "shrinkage" ? "shrinkage is a number from 0 to 1" : `${parameter} is a number above 0`,
    );
  return given;
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
