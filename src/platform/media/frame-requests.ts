// What every kind of video checks of what it is asked for.
import { AbortedError, UsageError } from "../../errors.ts";

export function requireAscending(indices: readonly number[], count: number, name: string): void {
  for (const [i, index] of indices.entries()) {
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw new UsageError(`${name} has no frame ${index}: it has ${count}, from 0 to ${count - 1}`);
    if (i > 0 && index <= indices[i - 1]!)
      throw new UsageError(`frames are asked for in order, none twice: ${index} came after ${indices[i - 1]}`);
  }
}

export function requireNotAborted(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted === true) throw new AbortedError(`reading ${name}`, signal.reason);
}

/** The place of the first that is not smaller; their number when all are. */
export function firstAtOrAfter(sorted: Float64Array, value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
