// The heads that are found step by step: logistic regression and the linear support vector machine.

import { multiply } from "../dense.ts";
import { type LossOf, logisticLoss, type Problem, softmaxLoss, squaredHingeLoss } from "../losses.ts";
import { minimize, type NewtonOptions, type Solution } from "../newton.ts";
import type { PreparedFeatures } from "../prepared.ts";
import { type LinearHead, linearHead } from "./head.ts";

/** How a head is put as problems for `minimize`. */
export interface NewtonHead {
  readonly loss: LossOf;
  /** The problems of one fit. */
  problems(strength: number, heldOut: number): Problem[];
  /** Columns of scores of one fit: 1 with two classes. */
  readonly columns: number;
  readonly intercept: NonNullable<NewtonOptions["intercept"]>;
  /** Weights and biases for features as they are, from a column block of a solution. */
  head(solution: Solution): LinearHead;
}

/** Multinomial logistic regression: C x cross-entropy + |W|²/2, intercepts free. Two classes have one weight vector. */
export function logisticProblem(prepared: PreparedFeatures, classes: number): NewtonHead {
  const columns = classes === 2 ? 1 : classes;
  return {
    loss: classes === 2 ? logisticLoss : softmaxLoss(classes),
    problems: (strength, heldOut) => [{ strength, heldOut, positive: 1 }],
    columns,
    intercept: { penalty: 0, mean: new Float64Array(0) },
    head: ({ weights, intercepts }) => {
      // A constant added to every class changes nothing; they sum to zero.
      const middle = classes === 2 ? 0 : intercepts.reduce((a, b) => a + b, 0) / classes;
      return rawHead(
        prepared,
        classes,
        weights,
        intercepts.map((value) => value - middle),
      );
    },
  };
}

/**
 * Support vector machines, one class against the rest: C x squared hinge + (|w|² + w0²)/2, with the intercept scaling x w0. The intercept is
 * penalised, the less the larger the scaling.
 */
export function svmProblem(prepared: PreparedFeatures, classes: number, scaling = 1): NewtonHead {
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

/** Fits on all rows. */
export async function fitNewtonHead(
  prepared: PreparedFeatures,
  problem: NewtonHead,
  targets: Int32Array,
  strength: number,
  signal?: AbortSignal,
): Promise<LinearHead> {
  const { loss, problems, intercept } = problem;
  const options = { intercept, ...(signal === undefined ? {} : { signal }) };
  return problem.head(await minimize(prepared, { targets }, loss, problems(strength, -1), options));
}
