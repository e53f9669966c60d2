// Where the cells of a level are in the picture, in pixels. Heads agree on that for points (FCOS, keypoints): half a stride, rounded down, from a cell's edge.
import type { Level } from "./config.ts";

/** x (axis 0) of a level's columns, or y (axis 1) of its rows. */
export function axisOf({ height, width, stride }: Level, axis: 0 | 1): number[] {
  return Array.from({ length: axis === 0 ? width : height }, (_, i) => i * stride + Math.floor(stride / 2));
}

/** The point of every cell, row by row. */
export function cellsOf(level: Level): { readonly x: number; readonly y: number }[] {
  const xs = axisOf(level, 0);
  return axisOf(level, 1).flatMap((y) => xs.map((x) => ({ x, y })));
}
