// From outlines to masks: a pixel is inside where its centre is.
import { FormatError, LimitError } from "../errors.ts";
import { type Mask, RunBuilder } from "./masks.ts";

/** Corners one after the other, x, y, x, y, … in pixels; the last one is joined to the first. */
export type Polygon = readonly number[];

/** How many pixel columns all edges may cross together: what rasterising takes grows with it. */
const MAX_CROSSINGS = 2 ** 25;

/**
 * The pixels inside any of the polygons: an object of several parts has one for each. Where a polygon crosses itself, what it goes round twice is outside.
 *
 * @param where for messages: "annotation 17"
 * @throws FormatError for polygons of fewer than three corners or of something else than numbers; LimitError for more corners than anybody draws
 */
export function polygonMask(
  polygons: readonly Polygon[],
  { width, height }: { readonly width: number; readonly height: number },
  where: string,
): Mask {
  let crossings = 0;
  const inside: Interval[][] = Array.from({ length: width }, () => []);
  for (const polygon of polygons) {
    requirePolygon(polygon, where);
    const columns = new Map<number, number[]>();
    for (let i = 0; i < polygon.length; i += 2) {
      const [ax, ay] = [polygon[i]!, polygon[i + 1]!];
      const [bx, by] = [polygon[(i + 2) % polygon.length]!, polygon[(i + 3) % polygon.length]!];
      // Columns whose centre lies between the corners; a corner on a centre counts for one of its two edges.
      const first = Math.max(0, Math.ceil(Math.min(ax, bx) - 0.5));
      const last = Math.min(width, Math.ceil(Math.max(ax, bx) - 0.5));
      crossings += Math.max(0, last - first);
      if (crossings > MAX_CROSSINGS)
        throw new LimitError(`outlines of ${where}`, crossings, MAX_CROSSINGS, "crossings");
      for (let x = first; x < last; x++) {
        const y = ay + ((x + 0.5 - ax) * (by - ay)) / (bx - ax);
        const known = columns.get(x);
        if (known === undefined) columns.set(x, [y]);
        else known.push(y);
      }
    }
    for (const [x, ys] of columns) {
      ys.sort((a, b) => a - b);
      for (let i = 0; i + 1 < ys.length; i += 2) {
        const y0 = Math.max(0, Math.ceil(ys[i]! - 0.5));
        const y1 = Math.min(height, Math.ceil(ys[i + 1]! - 0.5));
        if (y0 < y1) inside[x]!.push([y0, y1]);
      }
    }
  }
  const builder = new RunBuilder();
  for (const intervals of inside) addColumn(builder, intervals, height);
  return builder.finish(width, height);
}

type Interval = readonly [y0: number, y1: number];

function addColumn(builder: RunBuilder, intervals: Interval[], height: number): void {
  intervals.sort(([a], [b]) => a - b);
  let at = 0;
  for (const [y0, y1] of intervals) {
    builder.add(Math.max(0, y0 - at), false);
    builder.add(Math.max(0, y1 - Math.max(at, y0)), true);
    at = Math.max(at, y1);
  }
  builder.add(height - at, false);
}

function requirePolygon(polygon: Polygon, where: string): void {
  if (polygon.length % 2 !== 0 || !polygon.every(Number.isFinite))
    throw new FormatError("polygon", `${where}: an outline is pairs of numbers, x, y, x, y, …`);
  if (polygon.length < 6)
    throw new FormatError(
      "polygon",
      `${where}: an outline of ${polygon.length / 2} ${polygon.length === 2 ? "point" : "points"} encloses nothing`,
    );
}
