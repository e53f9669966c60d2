// Linear discriminant analysis: classes as normal distributions of one covariance, which is shrunk towards a multiple of the identity, by a given
// share or by Ledoit and Wolf's estimate (A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, 2004).
import { UsageError } from "../../errors.ts";
import { cholesky, solveCholesky } from "../cholesky.ts";
import { gramMatrix, multiply, multiplyTransposed, transpose } from "../dense.ts";
import { classCounts, type FeatureMatrix, featureMatrix, selectRows } from "../feature-matrix.ts";
import { type PreparedFeatures, prepareFeatures } from "../prepared.ts";
import type { ProductsOf } from "../products.ts";
import { breathe } from "../stop.ts";
import { ShiftedSolver, tridiagonalize } from "../tridiagonal.ts";
import { type ClassMoments, centeredClassMeans, momentsOf } from "./class-moments.ts";
import { asDifference, type LinearHead, linearHead, linearScores } from "./head.ts";
import { discriminantsLeftOut } from "./lda-left-out.ts";
import type { HeadMethod, TrainingRows } from "./method.ts";
import { classMeans } from "./nearest-mean.ts";

/** Below this a pivot is rounding: relative to the largest. */
const SINGULAR = 1e-12;

/**
 * @param shrinkage 0 to 1: covariance = (1 - s) S + s tr(S)/width I, where S is the mean of the classes' covariances, weighted by their rows
 * @throws UsageError when the covariance cannot be inverted: shrinkage 0 and too few rows, or features that never change
 */
export function ldaHead(moments: ClassMoments, shrinkage: number): LinearHead {
  const { classes, counts, mean, means, turn, turnBack } = moments;
  const width = mean.length;
  const total = counts.reduce((a, b) => a + b, 0);
  const apart = centeredClassMeans(moments);
  const solve = withinSolver(moments, apart, shrinkage);
  // Class means are mean + apart. What of the mean is outside the span of the rows meets the multiple of the identity alone.
  const turnedMean = turn(mean, 1);
  const solved = turnBack(solve.solve(beside(apart, turnedMean, classes)), classes + 1);
  const inside = turnBack(turnedMean, 1);
  const weights = new Float64Array(width * classes);
  for (let i = 0; i < width; i++) {
    const row = i * (classes + 1);
    const outside = moments.form.size === width ? 0 : (mean[i]! - inside[i]!) / solve.identity;
    for (let c = 0; c < classes; c++) weights[i * classes + c] = solved[row + c]! + solved[row + classes]! + outside;
  }
  return discriminants(classes, weights, means, counts, total);
}

/** The scores' weights from covariance⁻¹ times the class means. @param weights (width, classes) */
function discriminants(
  classes: number,
  weights: Float64Array,
  means: Float64Array,
  counts: Int32Array,
  total: number,
): LinearHead {
  const width = means.length / classes;
  const bias = Float64Array.from({ length: classes }, (_, c) => {
    let along = 0;
    for (let i = 0; i < width; i++) along += weights[i * classes + c]! * means[c * width + i]!;
    return Math.log(counts[c]! / total) - along / 2;
  });
  return asDifference(linearHead(classes, weights, bias));
}

interface WithinSolver {
  /** What the identity is multiplied with. */
  readonly identity: number;
  /** (form.size, any columns) */
  solve(right: Float64Array): Float64Array;
}

/**
 * Solves with the shrunk covariance within classes, in turned features: that of all rows less what class means are apart (Woodbury).
 *
 * @param apart turned class means less the mean (form.size, classes)
 */
function withinSolver(
  { classes, counts, form, mean }: ClassMoments,
  apart: Float64Array,
  shrinkage: number,
): WithinSolver {
  const { size } = form;
  const total = counts.reduce((a, b) => a + b, 0);
  let trace = form.diagonal.reduce((a, b) => a + b, 0);
  for (let at = 0; at < apart.length; at++) trace -= counts[at % classes]! * apart[at]! ** 2;
  const identity = (shrinkage * Math.max(trace, 0)) / total / mean.length;
  const whole = (right: Float64Array): Float64Array => {
    const columns = right.length / size;
    const solver = new ShiftedSolver(
      form,
      new Float64Array(columns).fill((1 - shrinkage) / total),
      new Float64Array(columns).fill(identity),
    );
    if (!(solver.condition > SINGULAR)) throw singular(total, mean.length);
    return solver.solve(right);
  };
  const between = apart.map((value, at) => value * Math.sqrt(((1 - shrinkage) * counts[at % classes]!) / total));
  const solvedBetween = whole(between);
  const core = multiplyTransposed(between, solvedBetween, size, classes, classes).map((value) => -value);
  for (let c = 0; c < classes; c++) core[c * classes + c]! += 1;
  const factor = cholesky(core, classes, SINGULAR);
  if (factor === undefined) throw singular(total, mean.length);
  return {
    identity,
    solve: (right) => {
      const columns = right.length / size;
      const plain = whole(right);
      const mixed = solveCholesky(factor, classes, multiplyTransposed(between, plain, size, classes, columns), columns);
      for (let i = 0; i < size; i++)
        for (let k = 0; k < classes; k++)
          for (let c = 0; c < columns; c++)
            plain[i * columns + c]! += solvedBetween[i * classes + k]! * mixed[k * columns + c]!;
      return plain;
    },
  };
}

function singular(rows: number, width: number): UsageError {
  return new UsageError(
    `the covariance within classes of ${rows} rows of ${width} features cannot be inverted`,
    "give a shrinkage above 0, or more pictures",
  );
}

/** Columns and one more. */
function beside(matrix: Float64Array, column: Float64Array, columns: number): Float64Array {
  const out = new Float64Array(matrix.length + column.length);
  for (let i = 0; i < column.length; i++) {
    out.set(matrix.subarray(i * columns, (i + 1) * columns), i * (columns + 1));
    out[i * (columns + 1) + columns] = column[i]!;
  }
  return out;
}

/**
 * Each class's covariance is shrunk by its own estimate, on features of unit variance within the class, and scaled back.
 *
 * @throws UsageError when the covariance cannot be inverted; AbortedError
 */
export async function ledoitWolfHead(
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
  { products, signal }: { products: ProductsOf; signal?: AbortSignal | undefined },
): Promise<LinearHead> {
  const { rows, width } = features;
  const counts = classCounts(targets, classes);
  const means = classMeans(features, targets, classes);
  const scaled = new Float64Array(rows * width);
  const diagonal = new Float64Array(width);
  for (let c = 0; c < classes; c++) {
    await breathe(signal);
    const { centered, deviations, shrinkage, level } = ledoitWolf(features, targets, c, means);
    const prior = counts[c]! / rows;
    const weight = Math.sqrt((prior * (1 - shrinkage)) / counts[c]!);
    for (let row = 0, from = 0; row < rows; row++)
      if (targets[row] === c) for (let i = 0; i < width; i++) scaled[row * width + i] = weight * centered[from++]!;
    for (let i = 0; i < width; i++) diagonal[i]! += prior * shrinkage * level * deviations[i]! ** 2;
  }
  const held = await products(featureMatrix(rows, width, scaled), signal);
  const covariance = await held.gram(new Float64Array(width)).finally(() => held.dispose());
  for (let i = 0; i < width; i++) covariance[i * width + i]! += diagonal[i]!;
  const { form, rotation } = tridiagonalize(covariance, width);
  const solver = new ShiftedSolver(form, new Float64Array(classes).fill(1), new Float64Array(classes));
  if (!(solver.condition > SINGULAR)) throw singular(rows, width);
  const turned = solver.solve(multiplyTransposed(rotation, transpose(means, classes), width, width, classes));
  const weights = multiply(rotation, turned, width, width, classes);
  return discriminants(classes, weights, means, counts, rows);
}

/** How much the covariance of a class is to be shrunk, and towards what multiple of the identity, on features of unit variance. */
export function ledoitWolf(features: FeatureMatrix, targets: Int32Array, which: number, means: Float64Array) {
  const { rows, width, data } = features;
  const own = Array.from({ length: rows }, (_, row) => row).filter((row) => targets[row] === which);
  const count = own.length;
  const centered = new Float64Array(count * width);
  const squares = new Float64Array(width);
  for (let k = 0, at = 0; k < count; k++)
    for (let i = 0; i < width; i++, at++) {
      const value = data[own[k]! * width + i]! - means[which * width + i]!;
      centered[at] = value;
      squares[i]! += value * value;
    }
  const deviations = squares.map((value) => (value === 0 ? 1 : Math.sqrt(value / count)));
  const standard = centered.map((value, at) => value / deviations[at % width]!);
  let fourth = 0;
  for (let k = 0; k < count; k++) {
    let length = 0;
    for (let i = k * width; i < (k + 1) * width; i++) length += standard[i]! * standard[i]!;
    fourth += length * length;
  }
  // |ZᵀZ| and |ZZᵀ| are the same; the smaller is made.
  const gram =
    count < width ? gramMatrix(transpose(standard, count), width, count) : gramMatrix(standard, count, width);
  const size = gram.reduce((sum, value) => sum + value * value, 0) / count ** 2;
  const trace = squares.reduce((sum, value) => sum + Number(value > 0), 0);
  const level = trace / width;
  const spread = (size - 2 * level * trace + width * level * level) / width;
  const error = Math.min((fourth / count - size) / (width * count), spread);
  return { centered, deviations, level, shrinkage: error === 0 ? 0 : error / spread };
}

/** From the most shrunk to the least. */
const SHRINKAGES = [0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.01];

/** Values are shrinkages; a negative one stands for Ledoit and Wolf's estimate. */
export const LEDOIT_WOLF = -1;

export const ldaMethod: HeadMethod = {
  triesAll: false,
  parameter: "shrinkage",
  grid: async () => SHRINKAGES,
  fit: async (rows, shrinkage) => {
    const { features, targets, classes } = rows;
    return centeredHead(
      shrinkage === LEDOIT_WOLF
        ? await ledoitWolfHead(features, targets, classes, rows)
        : ldaHead(momentsOf(await rows.prepared(), targets, classes), shrinkage),
    );
  },
  async *leftOut(rows, shrinkages, folds) {
    if (shrinkages.some((shrinkage) => shrinkage <= 0)) yield* await refitWithout(rows, shrinkages, folds);
    else yield* discriminantsLeftOut(rows, shrinkages, folds);
  },
};

/** Rows of scores that sum to zero: what all classes share says nothing about which it is. With two classes nothing changes. */
function centeredHead(head: LinearHead): LinearHead {
  const { classes, width } = head;
  if (classes === 2) return head;
  const weight = head.weight.slice();
  for (let i = 0; i < width; i++) {
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += weight[c * width + i]!;
    for (let c = 0; c < classes; c++) weight[c * width + i]! -= sum / classes;
  }
  const middle = head.bias.reduce((a, b) => a + b, 0) / classes;
  return { ...head, weight, bias: head.bias.map((value) => value - middle) };
}

/** A fit for every fold. */
async function refitWithout(
  rows: TrainingRows,
  shrinkages: readonly number[],
  folds: Int32Array,
): Promise<Float64Array[]> {
  const { features, targets, classes } = rows;
  const out = shrinkages.map(() => new Float64Array(targets.length * classes));
  for (const fold of new Set(folds)) {
    const [kept, left] = [true, false].map((keep) =>
      Int32Array.from(targets.keys()).filter((row) => (folds[row] !== fold) === keep),
    ) as [Int32Array, Int32Array];
    const rest = selectRows(features, kept);
    const restTargets = Int32Array.from(kept, (row) => targets[row]!);
    let prepared: Promise<PreparedFeatures> | undefined;
    const without: TrainingRows = {
      ...rows,
      features: rest,
      targets: restTargets,
      prepared: () => {
        prepared ??= prepareFeatures(rest, rows);
        return prepared;
      },
    };
    try {
      for (const [s, shrinkage] of shrinkages.entries()) {
        const head = (await ldaMethod.fit(without, shrinkage)) as LinearHead;
        const scores = linearScores(head, selectRows(features, left));
        left.forEach((row, i) => {
          out[s]!.set(scores.subarray(i * classes, (i + 1) * classes), row * classes);
        });
      }
    } finally {
      await (await prepared)?.turned.dispose();
    }
  }
  return out;
}
