// How a picture is cut into tiles that overlap, and how much of each pixel every tile says. The outer part of a tile is not believed where a neighbour knows better, because
// there the model did not see what is around it; further in, one tile fades into the next.

/** Tiles begin at multiples of it, so that averages and windows of a network lie on a picture as they would without tiles. In pixels. */
export const TILE_STEP = 32;

/** A tile along one axis. */
export interface AxisTile {
  /** Where it begins, in pixels of the picture. */
  readonly at: number;
  /** What of each of its pixels comes from it, 0 to 1: over all tiles these sum to 1 at each pixel of the picture. */
  readonly shares: Float32Array;
}

/**
 * Tiles that cover `length` pixels; the last may reach beyond it, by less than TILE_STEP where there are several.
 *
 * @param tile pixels of a tile, a multiple of TILE_STEP
 * @param overlap pixels that two neighbours share at least, a multiple of TILE_STEP, less than the tile: a third of it is not believed at either end, the third between fades
 */
export function axisTiles(length: number, tile: number, overlap: number): AxisTile[] {
  const starts = [0];
  const last = Math.ceil(Math.max(0, length - tile) / TILE_STEP) * TILE_STEP;
  while (starts.at(-1)! < last) starts.push(Math.min(last, starts.at(-1)! + tile - overlap));
  const weights = starts.map((at, i) => {
    const hasBefore = i > 0;
    const hasAfter = i < starts.length - 1;
    return Float32Array.from({ length: tile }, (_, x) => {
      const rising = hasBefore ? ramp(x, overlap) : 1;
      const falling = hasAfter ? ramp(tile - 1 - x, overlap) : 1;
      return at + x < length ? Math.min(rising, falling) : 0;
    });
  });
  const sums = new Float32Array(length);
  weights.forEach((own, i) => {
    own.forEach((weight, x) => {
      if (weight > 0) sums[starts[i]! + x]! += weight;
    });
  });
  return weights.map((own, i) => ({
    at: starts[i]!,
    shares: own.map((weight, x) => (weight === 0 ? 0 : weight / sums[starts[i]! + x]!)),
  }));
}

/** From a tile's end: nothing, then more with every pixel, then all. */
function ramp(fromEnd: number, overlap: number): number {
  const third = overlap / 3;
  return overlap === 0 ? 1 : Math.min(1, Math.max(0, (fromEnd + 0.5 - third) / third));
}
