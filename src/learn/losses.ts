// Losses of linear classifiers as functions of their scores. Many problems are solved at once, side by side as columns: each problem has a
// strength, may leave a fold of the rows out, and owns one column of the scores, or one for each class.

/** One of the problems that are solved together. */
export interface Problem {
  /** C: what the sum of losses is multiplied with; the penalty is |w|² / 2. */
  readonly strength: number;
  /** Rows of this fold do not count; -1: all rows count. */
  readonly heldOut: number;
  /** One against the rest: the class whose rows are positive. Not used by the softmax. */
  readonly positive: number;
}

/** Rows as a loss sees them. */
export interface LabelledRows {
  readonly targets: Int32Array;
  /** Which fold each row is in; needed when a problem leaves one out. */
  readonly folds?: Int32Array;
}

/** A loss at the point where it was last evaluated. Scores are (rows, problems x columns), row-major. */
export interface Loss {
  /** Columns of a problem. */
  readonly columns: number;
  /** Whether the curvature is the same everywhere, so that one exact step is the answer. */
  readonly quadratic: boolean;
  /** The value for every problem; gradients with respect to the scores go into `slopes`. */
  evaluate(scores: Float64Array, slopes: Float64Array): Float64Array;
  /** The second derivative times `directions`, in place. */
  curve(directions: Float64Array): void;
  /** The curvature of each column, summed over the rows. (problems x columns) */
  totalCurvature(): Float64Array;
}

export type LossOf = (rows: LabelledRows, problems: readonly Problem[]) => Loss;

/** Losses of one score a problem, y = +-1: value, slope and curvature at y f. */
interface MarginLoss {
  readonly quadratic: boolean;
  /** Writes [value, slope, curvature] at the margin. */
  at(margin: number, out: Float64Array): void;
}

const squaredHinge: MarginLoss = {
  quadratic: false,
  at: (margin, out) => {
    const gap = margin < 1 ? 1 - margin : 0;
    out[0] = gap * gap;
    out[1] = -2 * gap;
    out[2] = gap > 0 ? 2 : 0;
  },
};

const binaryLogistic: MarginLoss = {
  quadratic: false,
  at: (margin, out) => {
    const small = Math.exp(-Math.abs(margin));
    const wrong = (margin < 0 ? 1 : small) / (1 + small);
    out[0] = Math.log1p(small) + (margin < 0 ? -margin : 0);
    out[1] = -wrong;
    out[2] = wrong * (1 - wrong);
  },
};

/** 1/2 (1 - y f)²: ridge regression on +-1. */
const halfSquare: MarginLoss = {
  quadratic: true,
  at: (margin, out) => {
    const gap = 1 - margin;
    out[0] = (gap * gap) / 2;
    out[1] = -gap;
    out[2] = 1;
  },
};

const byMargin =
  (kind: MarginLoss): LossOf =>
  ({ targets, folds }, problems) => {
    const count = problems.length;
    const curvature = new Float64Array(targets.length * count);
    const at = new Float64Array(3);
    return {
      columns: 1,
      quadratic: kind.quadratic,
      evaluate: (scores, slopes) => {
        const values = new Float64Array(count);
        for (let row = 0, i = 0; row < targets.length; row++)
          for (let p = 0; p < count; p++, i++) {
            const { strength, heldOut, positive } = problems[p]!;
            if (heldOut >= 0 && folds![row] === heldOut) {
              slopes[i] = 0;
              curvature[i] = 0;
              continue;
            }
            const sign = targets[row] === positive ? 1 : -1;
            kind.at(sign * scores[i]!, at);
            values[p] = values[p]! + strength * at[0]!;
            slopes[i] = sign * strength * at[1]!;
            curvature[i] = strength * at[2]!;
          }
        return values;
      },
      curve: (directions) => {
        for (let i = 0; i < directions.length; i++) directions[i] = directions[i]! * curvature[i]!;
      },
      totalCurvature: () => {
        const total = new Float64Array(count);
        for (let row = 0, i = 0; row < targets.length; row++)
          for (let p = 0; p < count; p++, i++) total[p] = total[p]! + curvature[i]!;
        return total;
      },
    };
  };

/** max(0, 1 - y f)². */
export const squaredHingeLoss = byMargin(squaredHinge);
/** log(1 + exp(-y f)). */
export const logisticLoss = byMargin(binaryLogistic);
/** (1 - y f)² / 2. */
export const squaredLoss = byMargin(halfSquare);

/** Cross-entropy of the softmax over `classes` columns a problem. */
export const softmaxLoss =
  (classes: number): LossOf =>
  ({ targets, folds }, problems) => {
    const width = problems.length * classes;
    const chances = new Float64Array(targets.length * width);
    return {
      columns: classes,
      quadratic: false,
      evaluate: (scores, slopes) => {
        const values = new Float64Array(problems.length);
        for (let row = 0, at = 0; row < targets.length; row++)
          for (let p = 0; p < problems.length; p++, at += classes) {
            const { strength, heldOut } = problems[p]!;
            if (heldOut >= 0 && folds![row] === heldOut) {
              slopes.fill(0, at, at + classes);
              chances.fill(0, at, at + classes);
              continue;
            }
            const own = at + targets[row]!;
            const logSum = softmax(scores, chances, at, classes);
            values[p] = values[p]! + strength * (logSum - scores[own]!);
            for (let c = at; c < at + classes; c++) slopes[c] = strength * chances[c]!;
            slopes[own] = slopes[own]! - strength;
          }
        return values;
      },
      curve: (directions) => {
        for (let row = 0, at = 0; row < targets.length; row++)
          for (let p = 0; p < problems.length; p++, at += classes) {
            let mean = 0;
            for (let c = at; c < at + classes; c++) mean += chances[c]! * directions[c]!;
            const { strength } = problems[p]!;
            for (let c = at; c < at + classes; c++) directions[c] = strength * chances[c]! * (directions[c]! - mean);
          }
      },
      totalCurvature: () => {
        const total = new Float64Array(width);
        for (let row = 0, at = 0; row < targets.length; row++)
          for (let c = 0; c < width; c++, at++) {
            const chance = chances[at]!;
            total[c] = total[c]! + chance * (1 - chance) * problems[Math.floor(c / classes)]!.strength;
          }
        return total;
      },
    };
  };

/** Probabilities of `count` scores from `at` on into `out`, at the same place. @returns the logarithm of the sum of exponentials */
export function softmax(scores: Float64Array, out: Float64Array, at: number, count: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = at; i < at + count; i++) if (scores[i]! > largest) largest = scores[i]!;
  let sum = 0;
  for (let i = at; i < at + count; i++) {
    const value = Math.exp(scores[i]! - largest);
    out[i] = value;
    sum += value;
  }
  for (let i = at; i < at + count; i++) out[i] = out[i]! / sum;
  return largest + Math.log(sum);
}
