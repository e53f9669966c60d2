// Linear discriminant analysis for rows that it has not seen. With A = B - D Γ Dᵀ, where B is the shrunk covariance of all rows of the other folds and
// the columns of D are what their class means are apart, A⁻¹D = B⁻¹D (I - Γ DᵀB⁻¹D)⁻¹; and B⁻¹D is ridge regression on the classes, which is solved
// for all folds at once. So scores are all that is needed.
import { UsageError } from "../../errors.ts";
import { cholesky, solveCholesky } from "../cholesky.ts";
import type { FeatureMatrix } from "../feature-matrix.ts";
import { squaredLoss } from "../losses.ts";
import { minimize } from "../newton.ts";
import type { TrainingRows } from "./method.ts";

/** The share of the objective that may be missing: scores are compared, and calibrated with. */
const ENOUGH = 1e-7;

/** @returns for each shrinkage, which is above 0, the scores (rows, classes) */
export async function* discriminantsLeftOut(
  rows: TrainingRows,
  shrinkages: readonly number[],
  folds: Int32Array,
): AsyncGenerator<Float64Array> {
  const { targets, classes, features, signal } = rows;
  const prepared = await rows.prepared();
  const without = leftFolds(features, targets, classes, folds);
  const width = without.length * classes;
  for (const shrinkage of shrinkages) {
    const problems = without.flatMap(({ trace }, heldOut) => {
      const strength = ((1 - shrinkage) * features.width) / (shrinkage * trace);
      return Array.from({ length: classes }, (_, positive) => ({ strength, heldOut, positive }));
    });
    const { scores } = await minimize(prepared, { targets, folds }, squaredLoss, problems, {
      signal,
      enough: ENOUGH,
    });
    const mixed = new Float64Array(targets.length * classes);
    without.forEach(({ counts }, fold) => {
      const own = Float64Array.from(
        { length: targets.length * classes },
        (_, i) => scores[Math.floor(i / classes) * width + fold * classes + (i % classes)]!,
      );
      const answers = mixScores(own, { targets, counts, shrinkage, isKept: (row) => folds[row] !== fold });
      for (let row = 0; row < targets.length; row++)
        if (folds[row] === fold) mixed.set(answers.subarray(row * classes, (row + 1) * classes), row * classes);
    });
    yield mixed;
  }
}

interface LeftFold {
  /** Rows of each class in the other folds. */
  readonly counts: Float64Array;
  /** Their squared distances from the class means, summed. */
  readonly trace: number;
}

function leftFolds(features: FeatureMatrix, targets: Int32Array, classes: number, folds: Int32Array): LeftFold[] {
  const { width, data } = features;
  const count = folds.reduce((a, b) => Math.max(a, b)) + 1;
  return Array.from({ length: count }, (_, fold) => {
    const counts = new Float64Array(classes);
    const sums = new Float64Array(classes * width);
    let trace = 0;
    for (let row = 0; row < targets.length; row++) {
      if (folds[row] === fold) continue;
      const which = targets[row]!;
      counts[which]! += 1;
      for (let i = 0; i < width; i++) {
        const value = data[row * width + i]!;
        sums[which * width + i]! += value;
        trace += value * value;
      }
    }
    for (let at = 0; at < sums.length; at++) trace -= sums[at]! ** 2 / counts[Math.floor(at / width)]!;
    // Where rows do not differ within their classes, nothing is left but what rounding leaves.
    return { counts, trace: Math.max(trace, Number.MIN_VALUE) };
  });
}

interface Kept {
  readonly targets: Int32Array;
  readonly counts: Float64Array;
  readonly shrinkage: number;
  isKept(row: number): boolean;
}

/** Discriminant scores of every row from those of ridge regression. (rows, classes) */
function mixScores(scores: Float64Array, { targets, counts, shrinkage, isKept }: Kept): Float64Array {
  const classes = counts.length;
  const rows = targets.length;
  const total = counts.reduce((a, b) => a + b, 0);
  // Rows times B⁻¹D: the regression's weights are 2 n (1 - s) / total times those.
  const means = classMeansOf(scores, targets, classes, counts, isKept);
  const middle = Float64Array.from({ length: classes }, (_, c) => {
    let sum = 0;
    for (let j = 0; j < classes; j++) sum += (counts[j]! / total) * means[j * classes + c]!;
    return sum;
  });
  const factor = (c: number) => total / (2 * (1 - shrinkage) * counts[c]!);
  const apart = (value: number, c: number) => (value - middle[c]!) * factor(c);
  // I - Γ½ DᵀB⁻¹D Γ½, which is symmetric.
  const root = counts.map((n) => Math.sqrt(((1 - shrinkage) * n) / total));
  const core = means.map((value, at) => {
    const [j, c] = [Math.floor(at / classes), at % classes];
    return Number(j === c) - root[j]! * apart(value, c) * root[c]!;
  });
  const lower = cholesky(core, classes);
  if (lower === undefined)
    throw new UsageError(
      "the covariance within classes cannot be inverted",
      "give a larger shrinkage, or more pictures",
    );
  const columns = new Float64Array(classes * rows);
  for (let row = 0; row < rows; row++)
    for (let c = 0; c < classes; c++) columns[c * rows + row] = apart(scores[row * classes + c]!, c) * root[c]!;
  const solved = solveCholesky(lower, classes, columns, rows);
  const mixed = Float64Array.from({ length: rows * classes }, (_, at) => {
    const [row, c] = [Math.floor(at / classes), at % classes];
    return solved[c * rows + row]! / root[c]!;
  });
  const own = classMeansOf(mixed, targets, classes, counts, isKept);
  const bias = Float64Array.from(
    { length: classes },
    (_, c) => Math.log(counts[c]! / total) - own[c * classes + c]! / 2,
  );
  return centered(
    mixed.map((value, at) => value + bias[at % classes]!),
    classes,
  );
}

/** Mean scores of each class's kept rows. (classes, classes) */
function classMeansOf(
  scores: Float64Array,
  targets: Int32Array,
  classes: number,
  counts: Float64Array,
  isKept: (row: number) => boolean,
): Float64Array {
  const means = new Float64Array(classes * classes);
  for (let row = 0; row < targets.length; row++) {
    if (!isKept(row)) continue;
    const which = targets[row]!;
    for (let c = 0; c < classes; c++) means[which * classes + c]! += scores[row * classes + c]! / counts[which]!;
  }
  return means;
}

/** As the head's own: rows sum to zero, or begin with zero where there are two classes. */
function centered(scores: Float64Array, classes: number): Float64Array {
  for (let start = 0; start < scores.length; start += classes) {
    const row = scores.subarray(start, start + classes);
    const middle = classes === 2 ? row[0]! : row.reduce((a, b) => a + b, 0) / classes;
    for (let c = 0; c < classes; c++) row[c]! -= middle;
  }
  return scores;
}
