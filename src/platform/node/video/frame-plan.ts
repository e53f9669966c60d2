// Which parts of a video are decoded for the frames that are wanted: a part begins with a seek to a frame that needs no other, and gives the wanted
// frames after it. Going on in a part decodes what lies between; a new part starts a program.
import { firstAtOrAfter } from "../../media/frame-requests.ts";
import type { FrameTimes } from "./frame-times.ts";

/** So many pixels are decoded in about the time that a program needs to start. */
const PIXELS_OF_A_START = 30e6;
/** Frames are asked for by their times in an expression that is evaluated for each frame. */
const MOST_RUNS = 200;
/** A sum of more than 100 terms is too deep for ffmpeg: long ones are sums of sums. */
const MOST_TERMS = 40;

/**
 * Numbers of frames, part by part.
 *
 * @param indices ascending
 * @param pixels of a frame
 */
export function planParts(indices: readonly number[], { pts, keys }: FrameTimes, pixels: number): number[][] {
  const parts: number[][] = [];
  let runs = 0;
  for (const index of indices) {
    const part = parts.at(-1);
    const last = part?.at(-1);
    if (part !== undefined && last !== undefined && runs < MOST_RUNS) {
      const key = keyBefore(keys, pts[index]!);
      const skipped = key === undefined ? 0 : firstAtOrAfter(pts, key) - last - 1;
      if (skipped * pixels < PIXELS_OF_A_START) {
        if (index !== last + 1) runs++;
        part.push(index);
        continue;
      }
    }
    parts.push([index]);
    runs = 1;
  }
  return parts;
}

/** An expression of ffmpeg that is true for these frames alone; undefined when they are one run. */
export function selection(indices: readonly number[], pts: Float64Array): string | undefined {
  const runs: [from: number, to: number][] = [];
  for (const index of indices) {
    const run = runs.at(-1);
    if (run !== undefined && index === run[1] + 1) run[1] = index;
    else runs.push([index, index]);
  }
  if (runs.length === 1) return undefined;
  const terms = runs.map(([from, to]) =>
    from === to ? `eq(pts,${pts[from]})` : `between(pts,${pts[from]},${pts[to]})`,
  );
  const sums = Array.from({ length: Math.ceil(terms.length / MOST_TERMS) }, (_, i) =>
    terms.slice(i * MOST_TERMS, (i + 1) * MOST_TERMS).join("+"),
  );
  return sums.length === 1 ? sums[0] : sums.map((sum) => `(${sum})`).join("+");
}

/** The last frame at or before a time that needs no other; undefined before the first. */
export function keyBefore(keys: Float64Array, pts: number): number | undefined {
  const after = firstAtOrAfter(keys, pts);
  return keys[after] === pts ? pts : keys[after - 1];
}
