// Learned position embeddings for another grid than they were trained for: bicubic with antialiasing, as timm resamples them
// (timm/layers/pos_embed.py resample_abs_pos_embed, on PyTorch's interpolate).
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import type { Extent } from "./image-size.ts";

/**
 * table (1, prefix + tokens, width), its tokens a square grid row by row -> the same for `grid`. The `prefix` rows of class tokens are kept.
 * A table that has the right number of rows already, or whose tokens are no square, is given back as it is.
 */
export function resamplePositions(table: TensorData, prefix: number, grid: Extent): TensorData {
  const [one, rows = 0, width = 0] = table.shape;
  const old = Math.round(Math.sqrt(rows - prefix));
  const count = prefix + grid.height * grid.width;
  if (table.shape.length !== 3 || one !== 1 || rows === count || old < 1 || old * old !== rows - prefix) return table;
  const values = toFloat64(table);
  const start = prefix * width;
  const down = resampleAxis(values.subarray(start), { outer: 1, size: old, inner: old * width }, grid.height);
  const across = resampleAxis(down, { outer: grid.height, size: old, inner: width }, grid.width);
  const out = new Float32Array(count * width);
  out.set(values.subarray(0, start));
  out.set(across, start);
  return tensor("float32", [1, count, width], out);
}

/** One axis of (outer, size, inner) to a new size. */
function resampleAxis(
  values: Float64Array,
  { outer, size, inner }: { outer: number; size: number; inner: number },
  newSize: number,
): Float64Array {
  const out = new Float64Array(outer * newSize * inner);
  const taps = antialiasedTaps(size, newSize);
  for (let o = 0; o < outer; o++)
    for (const [i, { first, shares }] of taps.entries()) {
      const to = (o * newSize + i) * inner;
      for (const [t, share] of shares.entries()) {
        const from = (o * size + first + t) * inner;
        for (let k = 0; k < inner; k++) out[to + k]! += share * values[from + k]!;
      }
    }
  return out;
}

/** For each cell of the new axis: the first old cell it mixes, and the shares from there on. */
function antialiasedTaps(size: number, newSize: number): { first: number; shares: number[] }[] {
  const scale = size / newSize;
  const stretch = Math.max(scale, 1); // the kernel is widened when cells get fewer
  return Array.from({ length: newSize }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const end = Math.min(size, Math.trunc(centre + 2 * stretch + 0.5));
    const shares = Array.from({ length: end - first }, (_, t) => cubic(Math.abs(first + t + 0.5 - centre) / stretch));
    const sum = shares.reduce((a, b) => a + b, 0);
    return { first, shares: shares.map((share) => share / sum) };
  });
}

/** Keys' cubic convolution with a = -0.5, which PyTorch takes when it antialiases. */
function cubic(distance: number): number {
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  if (distance < 2) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
  return 0;
}
