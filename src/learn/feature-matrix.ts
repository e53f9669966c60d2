// Features of pictures as rows of a matrix, and the checks that every fit begins with.
import { SaccadeError, UsageError } from "../errors.ts";

/** Features, a row for each picture, row-major. `data.length` is rows x width. */
export interface FeatureMatrix {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array | Float64Array;
}

/** A checked matrix. Throws SaccadeError (`features`) when the data's length does not fit. */
export function featureMatrix(rows: number, width: number, data: Float32Array | Float64Array): FeatureMatrix {
  if (data.length !== rows * width)
    throw new SaccadeError(
      "features",
      `${rows} rows of ${width} features are ${rows * width} numbers, got ${data.length}`,
    );
  return { rows, width, data };
}

/** One row, as a view of the matrix. */
export function rowOf({ data, width }: FeatureMatrix, row: number): Float32Array | Float64Array {
  return data.subarray(row * width, (row + 1) * width);
}

/** Some of the rows, copied, in the order asked for. */
export function selectRows(features: FeatureMatrix, rows: ArrayLike<number>): FeatureMatrix {
  const { width, data } = features;
  const picked =
    data instanceof Float32Array ? new Float32Array(rows.length * width) : new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) picked.set(rowOf(features, rows[i]!), i * width);
  return { rows: rows.length, width, data: picked };
}

/** The mean of all rows. (width) */
export function meanRow({ rows, width, data }: FeatureMatrix): Float64Array {
  const sum = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    for (let i = 0; i < width; i++) sum[i]! += data[start + i]!;
  }
  return sum.map((value) => value / rows);
}

/** Rows of Euclidean length 1, float64; a row of zeros stays. */
export function unitRows({ rows, width, data }: FeatureMatrix): FeatureMatrix & { readonly data: Float64Array } {
  const unit = new Float64Array(data);
  for (let row = 0; row < rows; row++) {
    const values = unit.subarray(row * width, (row + 1) * width);
    const length = Math.max(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)), 1e-12);
    for (let i = 0; i < width; i++) values[i]! /= length;
  }
  return { rows, width, data: unit };
}

/** @throws UsageError naming the first row that has a number which is none (NaN or infinite) */
export function requireFinite({ width, data }: FeatureMatrix): void {
  // NaN and infinity survive any sum, so that rows are only looked at one by one when there is one.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! * 0;
  if (sum === 0) return;
  const at = data.findIndex((value: number) => !Number.isFinite(value));
  throw new UsageError(
    `row ${Math.floor(at / width)} of the features has ${data[at]} at place ${at % width}`,
    "the model gives no usable features for that picture: leave it out, or use another model or layer",
    { row: Math.floor(at / width), place: at % width },
  );
}

/** @throws UsageError when features are not as wide as what they are compared with */
export function requireWidth(features: FeatureMatrix, width: number, what: string): void {
  if (features.width !== width)
    throw new UsageError(
      `${what} has ${width} features a picture, and these have ${features.width}`,
      "features of two models or layers cannot be mixed: compute both with the same one",
    );
}

/** How many rows each class has. */
export function classCounts(targets: Int32Array, classes: number): Int32Array {
  const counts = new Int32Array(classes);
  for (const target of targets) counts[target]! += 1;
  return counts;
}

/**
 * What every fit needs: finite features, a class for each row, at least two classes, and rows of every class.
 *
 * @throws UsageError saying what is missing, and where
 */
export function requireTrainable(features: FeatureMatrix, targets: Int32Array, classes: number): void {
  if (targets.length !== features.rows)
    throw new UsageError(`${features.rows} rows of features have ${targets.length} targets`);
  if (classes < 2)
    throw new UsageError(
      `there is ${classes === 1 ? "one class" : "no class"} to learn`,
      "give pictures of at least two classes; to tell one thing from everything else, add a class of other pictures",
    );
  const wrong = targets.findIndex((target) => target < 0 || target >= classes);
  if (wrong !== -1) throw new UsageError(`row ${wrong} has target ${targets[wrong]}, and there are ${classes} classes`);
  const empty = classCounts(targets, classes).indexOf(0);
  if (empty !== -1)
    throw new UsageError(`class ${empty} has no rows`, "leave the class out, or give pictures of it", { class: empty });
  requireFinite(features);
}
