// Random shapes that things are cut out in, so that an outline says more than its box.
import type { RandomSource } from "../random.ts";

/** How far waves around the middle go in and out, from two to five a turn. */
const AMPLITUDES = [0.25, 0.2, 0.12, 0.08];
const ANGLES = 96;

/**
 * A round shape with bays and bulges that touches all four sides of a square.
 *
 * @returns row by row, 1 where the shape is
 */
export function drawSilhouette(side: number, random: RandomSource): Uint8Array {
  const waves = AMPLITUDES.map((reach, i) => ({
    turns: i + 2,
    reach: random.between(0, reach),
    phase: random.between(0, 2 * Math.PI),
  }));
  const radius = (angle: number) =>
    1 + waves.reduce((sum, { turns, reach, phase }) => sum + reach * Math.cos(turns * angle + phase), 0);
  const outline = Array.from({ length: ANGLES }, (_, i) => {
    const angle = (2 * Math.PI * i) / ANGLES;
    return [radius(angle) * Math.cos(angle), radius(angle) * Math.sin(angle)] as const;
  });
  const [left, right] = extent(outline.map(([x]) => x));
  const [top, bottom] = extent(outline.map(([, y]) => y));
  const pixels = new Uint8Array(side * side);
  for (let y = 0, at = 0; y < side; y++)
    for (let x = 0; x < side; x++, at++) {
      const u = left + ((x + 0.5) / side) * (right - left);
      const v = top + ((y + 0.5) / side) * (bottom - top);
      if (Math.hypot(u, v) <= radius(Math.atan2(v, u))) pixels[at] = 1;
    }
  return pixels;
}

const extent = (values: readonly number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];
