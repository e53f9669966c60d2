// Ridge regression on +-1, a column for each class: in closed form, with the error of leaving each row out (Golub, Heath and Wahba, Generalized
// Cross-Validation as a Method for Choosing a Good Ridge Parameter, 1979).

import { multiply } from "../dense.ts";
import type { PreparedFeatures } from "../prepared.ts";
import { ShiftedSolver } from "../tridiagonal.ts";
import { type ClassMoments, centeredClassMeans, momentsOf } from "./class-moments.ts";
import { type LinearHead, linearHead } from "./head.ts";
import { type HeadMethod, withZeros } from "./method.ts";

/** @param alpha the penalty is alpha |w|²; the intercept is free. */
export function ridgeHead(moments: ClassMoments, alpha: number): LinearHead {
  const { classes, mean, counts } = moments;
  const columns = classes === 2 ? 1 : classes;
  const weights = moments.turnBack(turnedRidge(moments, alpha), columns);
  const total = counts.reduce((a, b) => a + b, 0);
  const bias = new Float64Array(columns);
  const along = multiply(mean, weights, 1, mean.length, columns);
  for (let c = 0; c < columns; c++) bias[c] = (2 * counts[classes - columns + c]!) / total - 1 - along[c]!;
  return linearHead(classes, weights, bias);
}

/** Weights for turned features. (form.size, columns) */
function turnedRidge(moments: ClassMoments, alpha: number): Float64Array {
  const { classes, counts, form } = moments;
  const columns = classes === 2 ? 1 : classes;
  const solver = new ShiftedSolver(form, new Float64Array(columns).fill(1), new Float64Array(columns).fill(alpha));
  // Fᵀy with y = +-1: the rows of F sum to zero, so that it is twice the sum over the class's rows.
  const apart = centeredClassMeans(moments);
  const right = new Float64Array(form.size * columns);
  for (let i = 0; i < form.size; i++)
    for (let c = 0; c < columns; c++) {
      const which = classes - columns + c;
      right[i * columns + c] = 2 * counts[which]! * apart[i * classes + which]!;
    }
  return solver.solve(right);
}

/**
 * What ridge regression answers for every row when it has not seen that row.
 *
 * @returns for each alpha (rows, columns), a column for each class, or one with two classes
 */
export async function ridgeLeftOut(
  prepared: PreparedFeatures,
  moments: ClassMoments,
  targets: Int32Array,
  alphas: readonly number[],
): Promise<Float64Array[]> {
  const { classes, counts, form } = moments;
  const rows = targets.length;
  const columns = classes === 2 ? 1 : classes;
  const forms = await leverages(
    prepared,
    new ShiftedSolver(form, new Float64Array(alphas.length).fill(1), alphas),
    alphas.length,
  );
  const fitted = await Promise.all(alphas.map((alpha) => prepared.turned.times(turnedRidge(moments, alpha), columns)));
  return fitted.map((scores, a) => {
    for (let row = 0, at = 0; row < rows; row++)
      for (let c = 0; c < columns; c++, at++) {
        const which = classes - columns + c;
        const y = targets[row] === which ? 1 : -1;
        const answer = scores[at]! + (2 * counts[which]!) / rows - 1;
        // The intercept is fitted again too, hence the 1/n.
        scores[at] = y - (y - answer) / (1 - 1 / rows - forms[row * alphas.length + a]!);
      }
    return scores;
  });
}

const BLOCK = 1024;

async function leverages({ turned }: PreparedFeatures, solver: ShiftedSolver, columns: number): Promise<Float64Array> {
  const all = new Float64Array(turned.rows * columns);
  for (let from = 0; from < turned.rows; from += BLOCK)
    all.set(solver.quadraticForms(await turned.copyRows(from, Math.min(from + BLOCK, turned.rows))), from * columns);
  return all;
}

/** Chosen from these times the mean eigenvalue of the centred XᵀX, by the error of leaving each row out. */
const STRENGTHS = [1e3, 300, 100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01, 1e-3];

export const ridgeMethod: HeadMethod = {
  triesAll: true,
  parameter: "alpha",
  grid: async (rows) => {
    const { form } = await rows.prepared();
    // Features that never change leave nothing to regularise.
    const mean = form.diagonal.reduce((a, b) => a + b, 0) / rows.features.width || 1;
    return STRENGTHS.map((strength) => strength * mean);
  },
  fit: async (rows, alpha) => ridgeHead(momentsOf(await rows.prepared(), rows.targets, rows.classes), alpha),
  async *leftOut(rows, alphas) {
    const prepared = await rows.prepared();
    const moments = momentsOf(prepared, rows.targets, rows.classes);
    const leftOut = await ridgeLeftOut(prepared, moments, rows.targets, alphas);
    yield* rows.classes === 2 ? leftOut.map(withZeros) : leftOut;
  },
};
