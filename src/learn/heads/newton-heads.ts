// The heads that are found step by step: logistic regression and the linear support vector machine.

import { multiply } from "../dense.ts";
import { type LossOf, logisticLoss, type Problem, softmaxLoss, squaredHingeLoss } from "../losses.ts";
import { minimize, type NewtonOptions, type Solution, type Start } from "../newton.ts";
import type { PreparedFeatures } from "../prepared.ts";
import { type LinearHead, linearHead } from "./head.ts";
import { type HeadMethod, type TrainingRows, withZeros } from "./method.ts";

/** How a head is put as problems for `minimize`. */
interface NewtonHead {
  readonly loss: LossOf;
  /** The problems of one fit. */
  problems(strength: number, heldOut: number): Problem[];
  /** Columns of scores of one fit: 1 with two classes. */
  readonly columns: number;
  readonly intercept: NonNullable<NewtonOptions["intercept"]>;
  /** What the intercepts of one fit are moved by, where a constant added to every class changes nothing: they sum to zero. */
  middle(intercepts: Float64Array): number;
  /** Weights and biases for features as they are, from the solution of one fit. */
  head(solution: Solution): LinearHead;
}

/** Multinomial logistic regression: C x cross-entropy + |W|²/2, intercepts free. Two classes have one weight vector. */
function logisticProblem(prepared: PreparedFeatures, classes: number): NewtonHead {
  const columns = classes === 2 ? 1 : classes;
  const middle = (intercepts: Float64Array) => (classes === 2 ? 0 : intercepts.reduce((a, b) => a + b, 0) / classes);
  return {
    loss: classes === 2 ? logisticLoss : softmaxLoss(classes),
    problems: (strength, heldOut) => [{ strength, heldOut, positive: 1 }],
    columns,
    intercept: { penalty: 0, mean: new Float64Array(0) },
    middle,
    head: ({ weights, intercepts }) => {
      const shift = middle(intercepts);
      return rawHead(
        prepared,
        classes,
        weights,
        intercepts.map((value) => value - shift),
      );
    },
  };
}

/**
 * Support vector machines, one class against the rest: C x squared hinge + (|w|² + w0²)/2, with the intercept scaling x w0. The intercept is
 * penalised, the less the larger the scaling.
 */
function svmProblem(prepared: PreparedFeatures, classes: number, scaling = 1): NewtonHead {
  const { mean, form, turn, turnBack } = prepared;
  const columns = classes === 2 ? 1 : classes;
  const turnedMean = turn(mean, 1);
  // What of the mean is outside the span of the centred rows acts as a second, constant feature.
  const inside = turnBack(turnedMean, 1);
  const outside = mean.map((value, i) => value - inside[i]!);
  const outsideSquare = form.size === mean.length ? 0 : outside.reduce((sum, value) => sum + value * value, 0);
  const total = scaling * scaling + outsideSquare;
  return {
    loss: squaredHingeLoss,
    problems: (strength, heldOut) =>
      Array.from({ length: columns }, (_, c) => ({ strength, heldOut, positive: classes - columns + c })),
    columns,
    intercept: { penalty: 1 / total, mean: turnedMean },
    middle: () => 0,
    head: ({ weights, intercepts }) => {
      const head = rawHead(prepared, classes, weights, intercepts);
      if (outsideSquare === 0) return head;
      // Shared out between the two constants as the penalty would have it.
      const along = multiply(turnedMean, weights, 1, form.size, columns);
      for (let c = 0; c < columns; c++) {
        const constant = intercepts[c]! - along[c]!;
        const row = (classes - columns + c) * mean.length;
        for (let i = 0; i < mean.length; i++) head.weight[row + i]! += (constant * outside[i]!) / total;
        head.bias[classes - columns + c] = (constant * scaling * scaling) / total;
      }
      return head;
    },
  };
}

/** Weights for turned features and intercepts for centred ones, as a head for features as they are. */
function rawHead(
  prepared: PreparedFeatures,
  classes: number,
  turned: Float64Array,
  intercepts: Float64Array,
): LinearHead {
  const { mean, turnBack } = prepared;
  const weights = turnBack(turned, intercepts.length);
  const along = multiply(mean, weights, 1, mean.length, intercepts.length);
  return linearHead(
    classes,
    weights,
    intercepts.map((value, c) => value - along[c]!),
  );
}

/** Scores that are kept at once, over rows, folds and classes: 32 MB. */
const MOST_SCORES = 4e6;
/** Cross-validation compares, so it need not be exact: the share of the objective that may be missing. */
const CLOSE_ENOUGH = 1e-4;
/** C times the mean square length of centred features. */
const STRENGTHS = [0.1, 0.5, 3, 12, 50, 200];

function newtonMethod(problemOf: (prepared: PreparedFeatures, rows: TrainingRows) => NewtonHead): HeadMethod {
  return {
    triesAll: false,
    parameter: "C",
    grid: async (rows) => {
      const { form } = await rows.prepared();
      const length = form.diagonal.reduce((a, b) => a + b, 0) / rows.features.rows || 1;
      return STRENGTHS.map((strength) => strength / length);
    },
    fit: async (rows, strength) => {
      const prepared = await rows.prepared();
      const { loss, problems, intercept, head } = problemOf(prepared, rows);
      const { targets, signal } = rows;
      return head(await minimize(prepared, { targets }, loss, problems(strength, -1), { intercept, signal }));
    },
    async *leftOut(rows, strengths, folds) {
      const prepared = await rows.prepared();
      const problem = problemOf(prepared, rows);
      const count = folds.reduce((a, b) => Math.max(a, b)) + 1;
      const together = Math.max(1, Math.floor(MOST_SCORES / (rows.targets.length * problem.columns)));
      const groups = Array.from({ length: Math.ceil(count / together) }, (_, i): FoldGroup => {
        const from = i * together;
        return { from, to: Math.min(from + together, count), start: undefined };
      });
      for (const strength of strengths) {
        const out = new Float64Array(rows.targets.length * problem.columns);
        for (const group of groups) await leaveOut(prepared, problem, rows, strength, folds, group, out);
        yield rows.classes === 2 ? withZeros(out) : out;
      }
    },
  };
}

/** Folds [from, to) that are left out at once, and where they begin: where the strength before ended. */
interface FoldGroup {
  readonly from: number;
  readonly to: number;
  start: Start | undefined;
}

/** Puts in the scores of the rows of a group's folds, by heads that have not seen their fold. */
async function leaveOut(
  prepared: PreparedFeatures,
  { loss, problems, columns, intercept, middle }: NewtonHead,
  { targets, signal }: TrainingRows,
  strength: number,
  folds: Int32Array,
  group: FoldGroup,
  out: Float64Array,
): Promise<void> {
  const { from, to, start } = group;
  const all = Array.from({ length: to - from }, (_, i) => problems(strength, from + i)).flat();
  const { weights, intercepts, scores } = await minimize(prepared, { targets, folds }, loss, all, {
    ...{ intercept, start, signal },
    enough: CLOSE_ENOUGH,
  });
  group.start = { weights, intercepts };
  const width = (to - from) * columns;
  for (let row = 0; row < targets.length; row++) {
    const fold = folds[row]! - from;
    if (fold < 0 || fold >= to - from) continue;
    const shift = middle(intercepts.subarray(fold * columns, (fold + 1) * columns));
    for (let c = 0; c < columns; c++) out[row * columns + c] = scores[row * width + fold * columns + c]! - shift;
  }
}

export const logisticMethod = newtonMethod((prepared, { classes }) => logisticProblem(prepared, classes));
export const svmMethod = newtonMethod((prepared, { classes, interceptScaling }) =>
  svmProblem(prepared, classes, interceptScaling),
);
