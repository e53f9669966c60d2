// Linear classifiers by Newton's method with conjugate gradients (Lin, Weng and Keerthi, Trust Region Newton Method for Logistic Regression, 2008;
// here with a line search). Hessians are preconditioned with FᵀF times the mean curvature, which is solved in tridiagonal form; all problems,
// classes, folds and strengths, share each product with F.
import { SaccadeError } from "../errors.ts";
import type { LabelledRows, Loss, LossOf, Problem } from "./losses.ts";
import type { PreparedFeatures } from "./prepared.ts";
import type { Products } from "./products.ts";
import { breathe } from "./stop.ts";
import { ShiftedSolver } from "./tridiagonal.ts";

export interface NewtonOptions {
  /**
   * Penalty of the intercept: k (b - m·w)² / 2, where m is the turned mean and b the intercept for centred features, so that b - m·w is the one for
   * features as they are. Default k = 0: it is free.
   */
  readonly intercept?: { readonly penalty: number; readonly mean: Float64Array };
  /** Where to begin. Default: zeros. */
  readonly start?: Start | undefined;
  /** A problem is solved when what a step still gains is this share of its objective. Default: as far as numbers reach. */
  readonly enough?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Weights for the turned features, a column for each score. */
export interface Start {
  /** (form.size, columns) */
  readonly weights: Float64Array;
  /** For centred features. (columns) */
  readonly intercepts: Float64Array;
}

export interface Solution extends Start {
  /** Of all rows, left out or not. (rows, columns) */
  readonly scores: Float64Array;
  /** Loss and penalty of each problem. */
  readonly objectives: Float64Array;
}

const MOST_STEPS = 100;
const MOST_INNER_STEPS = 200;
const ENOUGH = { float64: 1e-14, float32: 1e-9 };
/** Steps without progress after which rounding is taken to be the reason, and the share of the objective up to which it is believed. */
const PATIENCE = 3;
const ROUNDING = { float64: 1e-10, float32: 1e-6 };

/**
 * Minimises strength x loss + |w|²/2 + the intercept's penalty for every problem.
 *
 * @throws SaccadeError (`not_converged`) when a problem is not solved; AbortedError
 */
export async function minimize(
  prepared: PreparedFeatures,
  rows: LabelledRows,
  lossOf: LossOf,
  problems: readonly Problem[],
  { intercept, start, enough = ENOUGH[prepared.turned.precision], signal }: NewtonOptions = {},
): Promise<Solution> {
  const { turned, form } = prepared;
  const columns = lossOf({ targets: new Int32Array(0) }, problems).columns;
  const width = problems.length * columns;
  const all: Block = {
    weights: start?.weights.slice() ?? new Float64Array(form.size * width),
    intercepts: start?.intercepts.slice() ?? new Float64Array(width),
    scores: start === undefined ? new Float64Array(turned.rows * width) : await scoresOf(turned, start),
  };
  const objectives = new Float64Array(problems.length);
  let active = problems.map((_, i) => i);
  while (active.length > 0) {
    const block = active.length === problems.length ? all : takeColumns(all, active, columns, problems.length);
    const solver = new Solver(
      prepared,
      lossOf(
        rows,
        active.map((i) => problems[i]!),
      ),
      active.length,
      block,
      intercept,
    );
    const solved = await solver.run(enough, signal);
    if (block !== all) putColumns(all, block, active, columns, problems.length);
    active.forEach((problem, i) => {
      objectives[problem] = solver.objectives[i]!;
    });
    active = active.filter((_, i) => !solved[i]);
  }
  return { ...all, objectives };
}

/** Weights, intercepts and scores of some problems. */
interface Block {
  readonly weights: Float64Array;
  readonly intercepts: Float64Array;
  readonly scores: Float64Array;
}

function takeColumns(all: Block, problems: readonly number[], columns: number, of: number): Block {
  const take = (values: Float64Array) => {
    const rows = values.length / (of * columns);
    const out = new Float64Array(rows * problems.length * columns);
    for (let row = 0, to = 0; row < rows; row++)
      for (const problem of problems) {
        const from = (row * of + problem) * columns;
        for (let c = 0; c < columns; c++) out[to++] = values[from + c]!;
      }
    return out;
  };
  return { weights: take(all.weights), intercepts: take(all.intercepts), scores: take(all.scores) };
}

function putColumns(all: Block, block: Block, problems: readonly number[], columns: number, of: number): void {
  const put = (values: Float64Array, target: Float64Array) => {
    const rows = target.length / (of * columns);
    for (let row = 0, from = 0; row < rows; row++)
      for (const problem of problems) {
        const to = (row * of + problem) * columns;
        for (let c = 0; c < columns; c++) target[to + c] = values[from++]!;
      }
  };
  put(block.weights, all.weights);
  put(block.intercepts, all.intercepts);
  put(block.scores, all.scores);
}

/** A direction in the space of weights and intercepts. */
type Point = Start;

/** Scores of a point: F w + b. */
async function scoresOf(turned: Products, { weights, intercepts }: Point): Promise<Float64Array> {
  const columns = intercepts.length;
  const scores = await turned.times(weights, columns);
  for (let i = 0; i < scores.length; ) for (let c = 0; c < columns; c++, i++) scores[i] = scores[i]! + intercepts[c]!;
  return scores;
}

/** Steps for one set of problems, until some of them are solved. */
class Solver {
  readonly objectives: Float64Array;
  readonly #prepared: PreparedFeatures;
  readonly #loss: Loss;
  readonly #count: number;
  readonly #columns: number;
  readonly #block: Block;
  readonly #intercept: NonNullable<NewtonOptions["intercept"]> | undefined;
  readonly #slopes: Float64Array;

  constructor(
    prepared: PreparedFeatures,
    loss: Loss,
    count: number,
    block: Block,
    intercept: NewtonOptions["intercept"],
  ) {
    this.#prepared = prepared;
    this.#loss = loss;
    this.#count = count;
    this.#columns = count * loss.columns;
    this.#block = block;
    this.#intercept = intercept?.penalty === 0 ? undefined : intercept;
    this.#slopes = new Float64Array(block.scores.length);
    this.objectives = this.#evaluate();
  }

  /** Runs until at least a quarter of the problems are solved; says which. */
  async run(enough: number, signal: AbortSignal | undefined): Promise<boolean[]> {
    const { precision } = this.#prepared.turned;
    const solved = new Array<boolean>(this.#count).fill(false);
    const best = new Float64Array(this.#count).fill(Number.POSITIVE_INFINITY);
    const waited = new Int32Array(this.#count);
    let tolerance = this.#loss.quadratic ? Math.max(1e-12, Math.sqrt(enough)) : 0.1;
    for (let step = 0; step < MOST_STEPS; step++) {
      await breathe(signal);
      const gradient = await this.#gradient();
      const { direction, change } = await this.#direction(gradient, tolerance, signal);
      const gains = this.#dots(gradient, direction).map((value) => -value / 2);
      this.#search(direction, change, gains);
      let worst = 0;
      for (let p = 0; p < this.#count; p++) {
        const share = gains[p]! / (Math.abs(this.objectives[p]!) + Number.MIN_VALUE);
        waited[p] = share < best[p]! / 2 ? 0 : waited[p]! + 1;
        best[p] = Math.min(best[p]!, share);
        // The error of an exact model's minimum is what is left of the step.
        const left = this.#loss.quadratic ? share * tolerance ** 2 : share;
        if (left <= enough || (waited[p]! >= PATIENCE && best[p]! <= ROUNDING[precision])) solved[p] = true;
        if (!solved[p]) worst = Math.max(worst, share);
      }
      // No more exactly than the quadratic model holds, and than is asked for.
      const needed = Math.max(Math.sqrt(worst), Math.sqrt(enough / worst) / 2, 1e-3);
      if (!this.#loss.quadratic) tolerance = Math.min(0.1, needed);
      if (4 * solved.filter(Boolean).length >= this.#count) return solved;
    }
    throw new SaccadeError("not_converged", `a linear classifier was not found in ${MOST_STEPS} steps`, {
      hint: "regularise more (a smaller C), or scale the features",
    });
  }

  /** Loss, penalty and slopes at the block's scores. */
  #evaluate(): Float64Array {
    const values = this.#loss.evaluate(this.#block.scores, this.#slopes);
    const squares = this.#dots(
      { weights: this.#block.weights, intercepts: NOTHING },
      { weights: this.#block.weights, intercepts: NOTHING },
    );
    const own = this.#ownIntercepts(this.#block);
    for (let p = 0; p < this.#count; p++) {
      values[p]! += squares[p]! / 2;
      if (own !== undefined && this.#intercept !== undefined)
        for (let c = p * this.#loss.columns; c < (p + 1) * this.#loss.columns; c++)
          values[p]! += (this.#intercept.penalty * own[c]! ** 2) / 2;
    }
    return values;
  }

  /** b - m·w, where it is penalised. (columns) */
  #ownIntercepts({ weights, intercepts }: Point): Float64Array | undefined {
    if (this.#intercept === undefined) return undefined;
    const { mean } = this.#intercept;
    const own = intercepts.slice();
    for (let i = 0, at = 0; i < mean.length; i++)
      for (let c = 0; c < this.#columns; c++, at++) own[c] = own[c]! - mean[i]! * weights[at]!;
    return own;
  }

  /** From derivatives by the scores to those by weights and intercepts; the penalty's at `at` is added. */
  async #pullBack(slopes: Float64Array, at: Point): Promise<Point> {
    const weights = await this.#prepared.turned.transposeTimes(slopes, this.#columns);
    const intercepts = new Float64Array(this.#columns);
    for (let i = 0; i < slopes.length; )
      for (let c = 0; c < this.#columns; c++, i++) intercepts[c] = intercepts[c]! + slopes[i]!;
    for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! + at.weights[i]!;
    const own = this.#ownIntercepts(at);
    if (own !== undefined && this.#intercept !== undefined) {
      const { penalty, mean } = this.#intercept;
      for (let c = 0; c < this.#columns; c++) intercepts[c]! += penalty * own[c]!;
      for (let i = 0, k = 0; i < mean.length; i++)
        for (let c = 0; c < this.#columns; c++, k++) weights[k] = weights[k]! - penalty * own[c]! * mean[i]!;
    }
    return { weights, intercepts };
  }

  #gradient(): Promise<Point> {
    return this.#pullBack(this.#slopes, this.#block);
  }

  /** Newton's direction to a relative tolerance, and how the scores change along it. */
  async #direction(
    gradient: Point,
    tolerance: number,
    signal: AbortSignal | undefined,
  ): Promise<{ direction: Point; change: Float64Array }> {
    const precondition = this.#preconditioner();
    const direction: Point = {
      weights: new Float64Array(gradient.weights.length),
      intercepts: new Float64Array(this.#columns),
    };
    const change = new Float64Array(this.#block.scores.length);
    const rest: Point = {
      weights: gradient.weights.map((value) => -value),
      intercepts: gradient.intercepts.map((value) => -value),
    };
    let close = precondition(rest);
    const along: Point = { weights: close.weights.slice(), intercepts: close.intercepts.slice() };
    let size = this.#dots(rest, close);
    const goal = size.map((value) => value * tolerance * tolerance);
    for (let step = 0; step < MOST_INNER_STEPS && size.some((value, p) => value > goal[p]!); step++) {
      await breathe(signal);
      const moved = await scoresOf(this.#prepared.turned, along);
      const curved = moved.slice();
      this.#loss.curve(curved);
      const image = await this.#pullBack(curved, along);
      const bend = this.#dots(along, image);
      const lengths = size.map((value, p) => (value > goal[p]! && bend[p]! > 0 ? value / bend[p]! : 0));
      this.#addScaled(direction, along, lengths);
      this.#addScaledScores(change, moved, lengths);
      this.#addScaled(
        rest,
        image,
        lengths.map((value) => -value),
      );
      close = precondition(rest);
      const next = this.#dots(rest, close);
      this.#addScaled(
        close,
        along,
        next.map((value, p) => (size[p]! > 0 ? value / size[p]! : 0)),
      );
      along.weights.set(close.weights);
      along.intercepts.set(close.intercepts);
      // Finished problems stay as they are.
      size = next.map((value, p) => (lengths[p] === 0 ? 0 : value));
    }
    return { direction, change };
  }

  /** Solves with the mean curvature in place of each row's own; the coupling of intercept and weights by a rank-one correction. */
  #preconditioner(): (point: Point) => Point {
    const { turned, form } = this.#prepared;
    const total = this.#loss.totalCurvature();
    const floor = 1e-12 * total.reduce((a, b) => Math.max(a, b), 1e-300);
    const solver = new ShiftedSolver(
      form,
      total.map((value) => value / turned.rows),
      new Float64Array(this.#columns).fill(1),
    );
    const plain = ({ weights, intercepts }: Point): Point => ({
      weights: solver.solve(weights),
      intercepts: intercepts.map((value, c) => value / (total[c]! + floor)),
    });
    if (this.#intercept === undefined) return plain;
    const { penalty, mean } = this.#intercept;
    const coupling: Point = {
      weights: Float64Array.from(
        { length: form.size * this.#columns },
        (_, i) => -mean[Math.floor(i / this.#columns)]!,
      ),
      intercepts: new Float64Array(this.#columns).fill(1),
    };
    const solved = plain(coupling);
    const bend = this.#ownIntercepts(solved)!;
    return (point) => {
      const out = plain(point);
      const own = this.#ownIntercepts(out)!;
      const factors = own.map((value, c) => (-penalty * value) / (1 + penalty * bend[c]!));
      for (let i = 0; i < out.weights.length; )
        for (let c = 0; c < this.#columns; c++, i++) out.weights[i]! += factors[c]! * solved.weights[i]!;
      for (let c = 0; c < this.#columns; c++) out.intercepts[c]! += factors[c]! * solved.intercepts[c]!;
      return out;
    };
  }

  /** Goes along the direction, each problem half as far until its objective falls as it should. */
  #search(direction: Point, change: Float64Array, gains: Float64Array): void {
    const rounding = this.#prepared.turned.precision === "float64" ? 1e-13 : 1e-7;
    const before = this.objectives.slice();
    let steps = new Float64Array(this.#count).fill(1);
    const gone = new Float64Array(this.#count);
    for (let halvings = 0; steps.some((step) => step !== 0); halvings++) {
      this.#addScaled(this.#block, direction, steps);
      this.#addScaledScores(this.#block.scores, change, steps);
      for (let p = 0; p < this.#count; p++) gone[p]! += steps[p]!;
      const after = this.#evaluate();
      this.objectives.set(after);
      steps = steps.map((_, p) => {
        const enough = before[p]! - 1e-4 * gone[p]! * gains[p]! + rounding * Math.abs(before[p]!);
        if (gone[p] === 0 || after[p]! <= enough) return 0;
        return halvings >= 30 ? -gone[p]! : -gone[p]! / 2;
      });
    }
  }

  /** Inner products, problem by problem. */
  #dots(a: Point, b: Point): Float64Array {
    const perColumn = new Float64Array(this.#columns);
    for (let i = 0; i < a.weights.length; )
      for (let c = 0; c < this.#columns; c++, i++) perColumn[c] = perColumn[c]! + a.weights[i]! * b.weights[i]!;
    for (let c = 0; c < a.intercepts.length; c++) perColumn[c]! += a.intercepts[c]! * b.intercepts[c]!;
    const dots = new Float64Array(this.#count);
    for (let c = 0; c < this.#columns; c++) dots[Math.floor(c / this.#loss.columns)]! += perColumn[c]!;
    return dots;
  }

  #addScaled(to: Point, from: Point, factors: Float64Array): void {
    this.#addScaledScores(to.weights, from.weights, factors);
    this.#addScaledScores(to.intercepts, from.intercepts, factors);
  }

  /** to += factor x from, each problem's columns with its own factor. */
  #addScaledScores(to: Float64Array, from: Float64Array, factors: Float64Array): void {
    const perColumn = Float64Array.from(
      { length: this.#columns },
      (_, c) => factors[Math.floor(c / this.#loss.columns)]!,
    );
    for (let i = 0; i < to.length; )
      for (let c = 0; c < this.#columns; c++, i++) to[i] = to[i]! + perColumn[c]! * from[i]!;
  }
}

const NOTHING = new Float64Array(0);
