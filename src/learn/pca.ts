// Principal components, whitening, and the signed square root: the retrieval recipe of Razavian et al. (CNN Features off-the-shelf, 2014) and of
// Jégou and Chum (Negative Evidences and Co-occurrences, 2012).
import { UsageError } from "../errors.ts";
import { multiply, transpose } from "./dense.ts";
import { eigenOf } from "./eigen.ts";
import { type FeatureMatrix, featureMatrix, requireFinite, requireWidth, unitRows } from "./feature-matrix.ts";
import { type PrepareOptions, tridiagonalSpace } from "./prepared.ts";

export interface Pca {
  readonly width: number;
  /** (width) */
  readonly mean: Float64Array;
  /** Orthonormal rows, the largest variance first; the entry of largest absolute value in each is positive. (components, width) */
  readonly components: Float64Array;
  /** Variance along each component, over rows - 1. */
  readonly variance: Float64Array;
  /** The share of all variance. */
  readonly share: Float64Array;
  readonly singularValues: Float64Array;
}

/**
 * @param components at most the features' width and one less than the rows
 * @throws UsageError for too many components, features that are not finite; AbortedError
 */
export async function fitPca(features: FeatureMatrix, components: number, options: PrepareOptions = {}): Promise<Pca> {
  const { rows, width } = features;
  const most = Math.min(rows - 1, width);
  if (!Number.isInteger(components) || components < 1 || components > most)
    throw new UsageError(
      `${components} principal components of ${rows} rows of ${width} features`,
      most < 1 ? "give at least two rows" : `there are 1 to ${most}`,
    );
  requireFinite(features);
  const { mean, form, turnBack } = await tridiagonalSpace(features, options);
  const { values, vectors } = eigenOf(form);
  const kept = transpose(vectors.slice(0, components * form.size), components);
  const axes = transpose(turnBack(kept, components), width);
  for (let k = 0; k < components; k++) {
    const axis = axes.subarray(k * width, (k + 1) * width);
    const largest = axis.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    if (largest < 0) for (let i = 0; i < width; i++) axis[i]! *= -1;
  }
  const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
  const squares = values.slice(0, components).map((value) => Math.max(value, 0));
  return {
    width,
    mean,
    components: axes,
    variance: squares.map((value) => value / (rows - 1)),
    share: squares.map((value) => (total === 0 ? 0 : value / total)),
    singularValues: squares.map(Math.sqrt),
  };
}

export interface ProjectOptions {
  /** Unit variance along every component. Default false. */
  readonly whiten?: boolean;
  /** Length 1, then the square root of every number with its sign, then length 1 again. Default false. */
  readonly signedRoot?: boolean;
}

/** Features along the components. @returns (rows, components). Throws UsageError when widths differ. */
export function project(
  pca: Pca,
  features: FeatureMatrix,
  { whiten = false, signedRoot = false }: ProjectOptions = {},
): FeatureMatrix {
  requireWidth(features, pca.width, "the projection");
  const { rows, width, data } = features;
  const count = pca.variance.length;
  const centered = Float64Array.from(data, (value, at) => value - pca.mean[at % width]!);
  const along = multiply(centered, transpose(pca.components, count), rows, width, count);
  // A component without variance has no scale: it stays as it is, at zero.
  if (whiten) for (let at = 0; at < along.length; at++) along[at]! /= Math.sqrt(pca.variance[at % count]!) || 1;
  const projected = featureMatrix(rows, count, along);
  if (!signedRoot) return projected;
  const roots = unitRows(projected).data.map((value) => Math.sign(value) * Math.sqrt(Math.abs(value)));
  return unitRows(featureMatrix(rows, count, roots));
}
