// How sure a measured number is: intervals that hold the true value in 95 of 100 cases.
import type { RandomSource } from "./random.ts";

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Standard normal quantile of a two-sided 95 %. */
const Z = 1.959964;

/** Wilson's 95 % interval of a share: right also near 0 and 1 and for few cases. */
export function shareInterval(hits: number, count: number): Interval {
  if (count === 0) return { mean: 0, low: 0, high: 1 };
  const mean = hits / count;
  const middle = (mean + Z ** 2 / (2 * count)) / (1 + Z ** 2 / count);
  const half = (Z / (1 + Z ** 2 / count)) * Math.sqrt((mean * (1 - mean)) / count + Z ** 2 / (4 * count ** 2));
  // At the ends the formula is exactly 0 or 1, but for rounding.
  return { mean, low: hits === 0 ? 0 : middle - half, high: hits === count ? 1 : middle + half };
}

/**
 * Percentile bootstrap 95 % intervals of the means of several columns, all measured on the same cases: every resample draws cases, so that
 * columns stay paired.
 *
 * @param columns of one length, at least 1
 */
export function bootstrapMeans(columns: readonly Float64Array[], random: RandomSource, resamples = 1000): Interval[] {
  const count = columns[0]?.length ?? 0;
  const means = columns.map(() => new Float64Array(resamples));
  const picked = new Int32Array(count);
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = 0; i < count; i++) picked[i] = random.integer(count);
    for (const [c, column] of columns.entries()) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += column[picked[i]!]!;
      means[c]![resample] = sum / count;
    }
  }
  return columns.map((column, c) => {
    const sorted = means[c]!.sort();
    return { mean: meanOf(column), low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

export function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle of some numbers and how far they are spread, which a few wild ones hardly move. */
export interface Spread {
  readonly median: number;
  /** A quarter of the values is below this. */
  readonly q1: number;
  /** A quarter of the values is above this. */
  readonly q3: number;
}

/** @param values at least one, in any order */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  return { median: quantile(sorted, 0.5), q1: quantile(sorted, 0.25), q3: quantile(sorted, 0.75) };
}

/** Between the two nearest values, linearly. */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (position - low);
}
