// Nearest class means that begin with a vector of another origin, such as the text that names a class: it counts as so many rows, so that it decides
// where there are few and is outvoted where there are many.
//
// Vectors of texts and of pictures lie in two clouds, apart from each other (Liang et al., Mind the Gap, 2022). What tells classes apart is where a
// vector lies in its cloud, so the cloud of the priors is first moved onto that of the rows, and made as wide.
import { UsageError } from "../errors.ts";
import { type CrossValidation, crossValidate, dealtFolds } from "./cross-validation.ts";
import { classCounts, type FeatureMatrix, requireFinite, requireWidth, selectRows } from "./feature-matrix.ts";
import { type LinearHead, linearScores } from "./heads/head.ts";
import { nearestMeanHead } from "./heads/nearest-mean.ts";
import { breathe } from "./stop.ts";

/** Labelled rows, and what their classes begin with. */
export interface PriorProblem {
  readonly features: FeatureMatrix;
  /** The class of each row. A class may have none. */
  readonly targets: Int32Array;
  readonly classes: number;
  /** (classes, width) */
  readonly priors: FeatureMatrix;
}

export interface PriorMeansOptions {
  /** As how many rows a prior counts. Default: chosen by cross-validation among `PRIOR_WEIGHTS`. */
  readonly weight?: number;
  /** Of the folds. */
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** A head, how well it does on rows that it has not seen, and as how many rows its priors count. */
export interface PriorMeans {
  readonly head: LinearHead;
  readonly weight: number;
  readonly validation: CrossValidation;
}

/** Weights that are tried: 0 is rows alone, for which every class needs two. */
export const PRIOR_WEIGHTS: readonly number[] = [0, 1, 2, 5, 10, 20];
const FOLDS = 10;

/**
 * Fits class means that begin with priors, and answers for every row by means without its fold.
 *
 * @throws UsageError for fewer than two classes or two rows, for features that are not finite or differ in width, and for a weight that is none;
 * AbortedError
 */
export async function fitPriorMeans(problem: PriorProblem, options: PriorMeansOptions): Promise<PriorMeans> {
  const { features, targets, classes, priors } = problem;
  const { weight, seed, signal } = options;
  requireProblem(problem);
  if (weight !== undefined && !(weight > 0 && Number.isFinite(weight)))
    throw new UsageError(`the weight of a class's text is ${weight}`, "give a number of pictures above 0");
  const isPlain = classCounts(targets, classes).every((count) => count >= 2);
  const grid = weight === undefined ? PRIOR_WEIGHTS.filter((value) => value > 0 || isPlain) : [weight];
  const folds = dealtFolds(targets, classes, Math.min(FOLDS, targets.length), seed);
  const method = {
    triesAll: true,
    async *leftOut() {
      yield* await scoresLeftOut(problem, grid, folds, signal);
    },
  };
  const validation = await crossValidate(method, problem, grid, folds);
  const head = nearestMeanHead(classes, meansFrom(features, targets, priors, validation.best));
  return { head, weight: validation.best, validation };
}

function requireProblem({ features, targets, classes, priors }: PriorProblem): void {
  if (classes < 2) throw new UsageError("there is one class to learn", "give at least two");
  if (targets.length < 2)
    throw new UsageError("there are fewer than two pictures to learn from", "give more; texts alone need no learning");
  requireWidth(priors, features.width, "what classes begin with");
  requireFinite(features);
  requireFinite(priors);
}

/** For each weight: (rows, classes), every row by means without its fold. */
async function scoresLeftOut(
  { features, targets, classes, priors }: PriorProblem,
  weights: readonly number[],
  folds: Int32Array,
  signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const out = weights.map(() => new Float64Array(targets.length * classes));
  for (const fold of new Set(folds)) {
    const [seen, unseen] = [false, true].map((isLeftOut) =>
      [...targets.keys()].filter((row) => (folds[row] === fold) === isLeftOut),
    ) as [number[], number[]];
    const known = selectRows(features, seen);
    const asked = selectRows(features, unseen);
    const own = Int32Array.from(seen, (row) => targets[row]!);
    for (const [at, weight] of weights.entries()) {
      await breathe(signal);
      const scores = linearScores(nearestMeanHead(classes, meansFrom(known, own, priors, weight)), asked);
      unseen.forEach((row, i) => {
        out[at]!.set(scores.subarray(i * classes, (i + 1) * classes), row * classes);
      });
    }
  }
  return out;
}

/**
 * Class means over rows and, counted as `weight` rows, the class's prior.
 *
 * @returns (classes, width)
 */
export function meansFrom(
  { width, data }: FeatureMatrix,
  targets: Int32Array,
  priors: FeatureMatrix,
  weight: number,
): Float64Array {
  const counts = classCounts(targets, priors.rows);
  const sums = new Float64Array(priors.data.length);
  targets.forEach((target, row) => {
    for (let i = 0; i < width; i++) sums[target * width + i]! += data[row * width + i]!;
  });
  const begin = fittedTo({ sums, counts, width }, priors);
  return sums.map((sum, at) => {
    const count = counts[Math.floor(at / width)]!;
    return (sum + weight * begin[at]!) / (count + weight);
  });
}

interface ClassSums {
  /** (classes, width) */
  readonly sums: Float64Array;
  readonly counts: Int32Array;
  readonly width: number;
}

/**
 * Priors where the rows are: the middle of the class means, and from there as far in the direction of each prior as fits the means best (least squares).
 * Only classes with rows tell where that is; with one of them nothing is known of distances, and with none, of places.
 */
function fittedTo({ sums, counts, width }: ClassSums, { data }: FeatureMatrix): Float64Array {
  const filled = [...counts.keys()].filter((c) => counts[c]! > 0);
  if (filled.length === 0) return new Float64Array(data);
  const middle = (of: (c: number, i: number) => number) =>
    Float64Array.from({ length: width }, (_, i) => filled.reduce((sum, c) => sum + of(c, i), 0) / filled.length);
  const mean = (c: number, i: number) => sums[c * width + i]! / counts[c]!;
  const prior = (c: number, i: number) => data[c * width + i]!;
  const [rowsMiddle, priorsMiddle] = [middle(mean), middle(prior)];
  let along = 0;
  let square = 0;
  for (const c of filled)
    for (let i = 0; i < width; i++) {
      const direction = prior(c, i) - priorsMiddle[i]!;
      along += direction * (mean(c, i) - rowsMiddle[i]!);
      square += direction * direction;
    }
  const reach = square > 0 ? Math.max(0, along / square) : 1;
  return Float64Array.from(data, (value, at) => {
    const i = at % width;
    return rowsMiddle[i]! + reach * (value - priorsMiddle[i]!);
  });
}
