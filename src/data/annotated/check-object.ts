// One annotation of a stranger's file, checked: what is wrong with it is counted and named, what is left of it is used.
import { type Box, boxArea, clipBox } from "../../boxes/box.ts";
import { type Mask, maskBox, readCounts } from "../../boxes/masks.ts";
import type { Polygon } from "../../boxes/polygons.ts";
import { SaccadeError } from "../../errors.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import type { ObjectMask } from "../annotations.ts";
import type { NamedObject } from "./annotated-part.ts";
import type { Faults } from "./faults.ts";

/** An annotation as a file says it, not yet believed. */
export interface StatedObject {
  readonly label: string;
  /** Left, top, right, bottom. */
  readonly box?: readonly unknown[];
  readonly polygons?: readonly unknown[];
  /** COCO's runs: `{ size: [height, width], counts }`. */
  readonly runs?: unknown;
  readonly isIgnored?: boolean;
}

/** How far beyond its picture a box may reach without a word: rounding. A pixel, or a share of the picture. */
const SLACK = { pixels: 1, shares: 0.01 };

/**
 * What of an annotation can be used.
 *
 * @param extent the picture's size in the annotation's unit: 1 x 1 for shares; absent where nobody says it
 * @param where for whoever looks it up
 */
export function checkObject(
  { label, box: stated, polygons, runs, isIgnored }: StatedObject,
  unit: "pixels" | "shares",
  extent: PictureSize | undefined,
  where: string,
  faults: Faults,
): NamedObject | undefined {
  const mask = runs === undefined ? outline(polygons, where, faults) : readRuns(runs, extent, where, faults);
  if (stated !== undefined && !(stated.length === 4 && stated.every(Number.isFinite))) {
    faults.add("not_numbers", where);
    return undefined;
  }
  const box = (stated as Box | undefined) ?? (mask && around(mask));
  if (box === undefined) {
    // Where an outline was given up, that has been said.
    if (polygons === undefined && runs === undefined) faults.add("no_place", where);
    else faults.add("empty", where, "no outline of it can be used, and it has no box");
    return undefined;
  }
  const [x0, y0, x1, y1] = box;
  if (boxArea(box) === 0) {
    faults.add("empty", where, `its box is ${short(x1 - x0)} x ${short(y1 - y0)}`);
    return undefined;
  }
  const object = { label, ...(mask === undefined ? {} : { mask }), ...(isIgnored === true ? { isIgnored } : {}) };
  if (extent === undefined) return { ...object, box };
  const clipped = clipBox(box, extent);
  if (boxArea(clipped) === 0) {
    faults.add("outside", where, `its box is ${box.map(short).join(", ")} on ${extent.width} x ${extent.height}`);
    return undefined;
  }
  if (box.some((value, i) => Math.abs(value - clipped[i]!) > SLACK[unit])) faults.add("clipped", where);
  return { ...object, box: clipped };
}

const short = (value: number): string => `${Math.round(value * 1000) / 1000}`;

/** Polygons that enclose something; undefined where there is none. */
function outline(
  polygons: readonly unknown[] | undefined,
  where: string,
  faults: Faults,
): { readonly polygons: readonly Polygon[] } | undefined {
  const good = (polygons ?? []).filter((polygon): polygon is number[] => {
    if (!Array.isArray(polygon) || polygon.length % 2 !== 0 || !polygon.every(Number.isFinite)) {
      faults.add("damaged_mask", where, "an outline is pairs of numbers, x, y, x, y, …");
      return false;
    }
    if (polygon.length < 6) faults.add("few_points", where, `an outline of ${polygon.length / 2} points`);
    return polygon.length >= 6;
  });
  return good.length === 0 ? undefined : { polygons: good };
}

function readRuns(runs: unknown, extent: PictureSize | undefined, where: string, faults: Faults): Mask | undefined {
  const { size, counts } = (typeof runs === "object" && runs !== null ? runs : {}) as Record<string, unknown>;
  const [height, width] = Array.isArray(size) ? (size as unknown[]) : [];
  if (typeof width !== "number" || typeof height !== "number") {
    faults.add("damaged_mask", where, "runs say their size as [height, width]");
    return undefined;
  }
  if (extent !== undefined && (width !== extent.width || height !== extent.height)) {
    faults.add("other_size", where, `${width} x ${height} on a picture of ${extent.width} x ${extent.height}`);
    return undefined;
  }
  try {
    return readCounts(counts, { width, height }, where);
  } catch (error) {
    if (!(error instanceof SaccadeError)) throw error;
    faults.add("damaged_mask", where, error.message);
    return undefined;
  }
}

function around(mask: ObjectMask): Box | undefined {
  if (!("polygons" in mask)) return maskBox(mask);
  const points = mask.polygons.flat();
  const [xs, ys] = [0, 1].map((axis) => points.filter((_, i) => i % 2 === axis)) as [number[], number[]];
  const lowest = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
  const highest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
  return [lowest(xs), lowest(ys), highest(xs), highest(ys)];
}
