// How far points of a face are from where they are.
import { UsageError } from "../../errors.ts";

export type Point = readonly [x: number, y: number];

/**
 * Normalised mean error: the mean distance of found points to true ones, as a share of a length of the face, such as that between the outer corners of the
 * eyes or the square root of its box's area.
 *
 * @throws UsageError for lists of different lengths, and for a length that is none
 */
export function normalizedMeanError(found: readonly Point[], truth: readonly Point[], length: number): number {
  if (found.length !== truth.length || truth.length === 0)
    throw new UsageError(`${found.length} points were found, and there are ${truth.length}`);
  if (!(length > 0)) throw new UsageError(`errors are shares of a length above 0, got ${length}`);
  const sum = truth.reduce((total, [x, y], i) => total + Math.hypot(found[i]![0] - x, found[i]![1] - y), 0);
  return sum / truth.length / length;
}

/** Between the outer corners of the eyes, of 68 points in the order of 300-W. */
export function betweenEyes(points: readonly Point[]): number {
  if (points.length !== 68)
    throw new UsageError(`the corners of the eyes are known of 68 points, got ${points.length}`);
  const [left, right] = [points[36]!, points[45]!];
  return Math.hypot(left[0] - right[0], left[1] - right[1]);
}
