// Scores to probabilities: one temperature for all classes (Guo et al., On Calibration of Modern Neural Networks, 2017), and a sigmoid for one score
// (Platt, Probabilistic Outputs for Support Vector Machines, 1999; Lin, Lin and Weng's targets and Newton steps, 2007).
import { UsageError } from "../errors.ts";
import { softmax } from "./losses.ts";

export interface Temperature {
  /** Logits are scores times this: 1 / temperature. */
  readonly scale: number;
  /** Mean cross-entropy with scale 1, and with this one. */
  readonly before: number;
  readonly after: number;
}

export interface TemperatureOptions {
  /**
   * Targets are taken to be right in n + 1 of n + 2 cases, and to be any other class else, so that a few rows which are all right do not make
   * every answer certain. Default true.
   */
  readonly smoothed?: boolean;
}

/** Scales are searched between these, relative to 1 over the scores' spread. */
const SCALES = { smallest: 1e-3, largest: 1e6 };

/**
 * The scale with the smallest cross-entropy. Use scores of rows that the head has not seen.
 *
 * @param scores (rows, classes)
 * @throws UsageError without rows
 */
export function temperatureOf(
  scores: Float64Array,
  targets: Int32Array,
  classes: number,
  { smoothed = true }: TemperatureOptions = {},
): Temperature {
  const rows = targets.length;
  if (rows === 0) throw new UsageError("there are no scores to calibrate with");
  const right = smoothed ? (rows + 1) / (rows + 2) : 1;
  const other = (1 - right) / (classes - 1);
  /** Mean cross-entropy and its first two derivatives by the scale; it is convex. One pass over the scores: with many rows and classes it is what fits wait for. */
  const at = (scale: number) => {
    let [loss, slope, bend] = [0, 0, 0];
    for (let row = 0, start = 0; row < rows; row++, start += classes) {
      let largest = Number.NEGATIVE_INFINITY;
      let all = 0;
      for (let c = 0; c < classes; c++) {
        const score = scores[start + c]!;
        if (score > largest) largest = score;
        all += score;
      }
      let [sum, mean, square] = [0, 0, 0];
      for (let c = 0; c < classes; c++) {
        const score = scores[start + c]!;
        const chance = Math.exp(scale * (score - largest));
        sum += chance;
        mean += chance * score;
        square += chance * score * score;
      }
      mean /= sum;
      const own = scores[start + targets[row]!]!;
      const target = right * own + other * (all - own);
      loss += scale * largest + Math.log(sum) - scale * target;
      slope += mean - target;
      bend += square / sum - mean * mean;
    }
    return { loss: loss / rows, slope: slope / rows, bend: bend / rows };
  };
  const spread = spreadOfScores(scores, classes);
  const scale = spread === 0 ? 1 : risingRoot(at, SCALES.smallest / spread, SCALES.largest / spread);
  return { scale, before: at(1).loss, after: at(scale).loss };
}

/** Mean distance of a row's scores from their mean. */
function spreadOfScores(scores: Float64Array, classes: number): number {
  let total = 0;
  for (let start = 0; start < scores.length; start += classes) {
    const row = scores.subarray(start, start + classes);
    const mean = row.reduce((a, b) => a + b, 0) / classes;
    for (const score of row) total += Math.abs(score - mean);
  }
  return total / scores.length;
}

/** Where a convex function's slope is zero, by Newton's steps kept between bounds that close in; an end where it has no zero. */
function risingRoot(at: (x: number) => { slope: number; bend: number }, low: number, high: number): number {
  if (at(low).slope >= 0) return low;
  if (at(high).slope <= 0) return high;
  let [below, above] = [low, high];
  let x = Math.sqrt(low * high);
  for (let step = 0; step < 200 && above / below > 1 + 1e-14; step++) {
    const { slope, bend } = at(x);
    if (slope < 0) below = x;
    else above = x;
    const newton = x - slope / bend;
    const next = newton > below && newton < above ? newton : Math.sqrt(below * above);
    if (Math.abs(next - x) <= 1e-14 * x) return next;
    x = next;
  }
  return x;
}

/** P(positive) = 1 / (1 + exp(a x score + b)). */
export interface Platt {
  readonly a: number;
  readonly b: number;
}

/**
 * @param positive 1 where the row is positive
 * @throws UsageError when all rows are of one kind
 */
export function plattOf(scores: Float64Array, positive: Uint8Array): Platt {
  const positives = positive.reduce((sum, value) => sum + value, 0);
  const negatives = positive.length - positives;
  if (positives === 0 || negatives === 0) throw new UsageError("a sigmoid needs positive and negative rows");
  const targets = [1 / (negatives + 2), (positives + 1) / (positives + 2)] as const;
  let [a, b] = [0, Math.log((negatives + 1) / (positives + 1))];
  let loss = plattLoss(scores, positive, targets, a, b);
  for (let step = 0; step < 100; step++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-12, 0, 1e-12];
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      const chance = 1 / (1 + Math.exp(a * score + b));
      const wrong = targets[positive[i] as 0 | 1] - chance;
      const weight = chance * (1 - chance);
      ga += wrong * score;
      gb += wrong;
      haa += weight * score * score;
      hab += weight * score;
      hbb += weight;
    }
    const determinant = haa * hbb - hab * hab;
    const da = -(hbb * ga - hab * gb) / determinant;
    const db = -(haa * gb - hab * ga) / determinant;
    let length = 1;
    let next = plattLoss(scores, positive, targets, a + da, b + db);
    for (; next > loss + 1e-4 * length * (ga * da + gb * db) && length > 1e-10; length /= 2)
      next = plattLoss(scores, positive, targets, a + (length / 2) * da, b + (length / 2) * db);
    if (!(next <= loss)) break;
    a += length * da;
    b += length * db;
    loss = next;
    if (Math.abs(da) + Math.abs(db) < 1e-13 * (1 + Math.abs(a) + Math.abs(b))) break;
  }
  return { a, b };
}

function plattLoss(
  scores: Float64Array,
  positive: Uint8Array,
  targets: readonly [number, number],
  a: number,
  b: number,
): number {
  let loss = 0;
  for (let i = 0; i < scores.length; i++) {
    const z = a * scores[i]! + b;
    const target = targets[positive[i] as 0 | 1];
    loss += z >= 0 ? target * z + Math.log1p(Math.exp(-z)) : (target - 1) * z + Math.log1p(Math.exp(z));
  }
  return loss;
}

/** Probabilities of the positive. */
export function plattProbabilities({ a, b }: Platt, scores: Float64Array): Float64Array {
  return scores.map((score) => 1 / (1 + Math.exp(a * score + b)));
}

/** softmax(scale x scores) of every row. */
export function probabilities(scores: Float64Array, classes: number, scale = 1): Float64Array {
  const logits = scores.map((score) => scale * score);
  for (let start = 0; start < logits.length; start += classes) softmax(logits, logits, start, classes);
  return logits;
}
