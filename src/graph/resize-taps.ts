// Which cells resize mixes, as PyTorch's interpolate() has it.
import type { SpatialOps } from "./ops.ts";

/** Cells of the old axis and their shares; a cell may be listed twice. */
export type Taps = readonly { readonly cell: number; readonly share: number }[];

/** For each cell of the new axis, what it is mixed from. */
export function resizeTaps(
  size: number,
  newSize: number,
  mode: SpatialOps["resize"]["mode"],
  alignCorners: boolean,
): Taps[] {
  const clamp = (cell: number) => Math.min(Math.max(cell, 0), size - 1);
  return Array.from({ length: newSize }, (_, i): Taps => {
    if (mode === "nearest") return [{ cell: clamp(Math.floor((i * size) / newSize)), share: 1 }];
    const spread = newSize > 1 ? (i * (size - 1)) / (newSize - 1) : 0;
    const position = alignCorners ? spread : ((i + 0.5) * size) / newSize - 0.5;
    const low = Math.floor(position);
    const part = position - low;
    if (mode === "linear")
      return [
        { cell: clamp(low), share: 1 - part },
        { cell: clamp(low + 1), share: part },
      ];
    return [-1, 0, 1, 2].map((offset) => ({ cell: clamp(low + offset), share: cubicShare(Math.abs(offset - part)) }));
  });
}

/** A cell's share by its distance, below 2: Keys' cubic convolution with a = -0.75. */
export function cubicShare(distance: number): number {
  const a = -0.75;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
}
