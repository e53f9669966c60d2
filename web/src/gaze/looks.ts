// Where a model looked, look by look, on the picture itself: what the library says in parts of the model's view is brought onto the picture, and
// models whose steps are looks (a glance, then boxes) give the same as those whose tokens look.
import type { AdaptiveStep, GazeResult, GazeStage, Prediction } from "../library.ts";

/** One look. Coordinates are parts of the picture, 0 to 1, and may lie outside of it. */
export interface Look {
  readonly name: string;
  /** x1, y1, x2, y2 of each region. */
  readonly regions: Float32Array;
  /** x, y of each sampling point. */
  readonly points: Float32Array;
  /** What the model would have answered after it, where it says so. */
  readonly prediction?: Prediction;
}

/** A part of the picture, 0 to 1. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The looks of a model whose tokens look. */
export function looksOfGaze({ stages, viewToPicture: map }: GazeResult): Look[] {
  const placed = (values: Float32Array) =>
    values.map((value, i) => (i % 2 === 0 ? value * map.scaleX + map.offsetX : value * map.scaleY + map.offsetY));
  return stages.map((stage: GazeStage, i) => ({
    name: `Look ${i + 1}`,
    regions: placed(stage.regions),
    points: placed(stage.points),
  }));
}

const EMPTY = new Float32Array();

/** The looks of a model that glances and then focuses. */
export function looksOfSteps(steps: readonly AdaptiveStep[], picture: { width: number; height: number }): Look[] {
  return steps.map(({ name, box, prediction }, i) => ({
    name: `${name.charAt(0).toUpperCase()}${name.slice(1)} ${i + 1}`,
    regions:
      box === undefined
        ? EMPTY
        : Float32Array.from(box, (value, k) => value / (k % 2 === 0 ? picture.width : picture.height)),
    points: EMPTY,
    prediction,
  }));
}

/** What the model saw of the picture; undefined when that is all of it. */
export function frameOfView({ viewToPicture, views }: GazeResult): Frame | undefined {
  if (views !== undefined && views.length > 1) return undefined;
  const { offsetX, offsetY, scaleX, scaleY } = viewToPicture;
  const isAll = offsetX <= 0.004 && offsetY <= 0.004 && offsetX + scaleX >= 0.996 && offsetY + scaleY >= 0.996;
  return isAll ? undefined : { x: offsetX, y: offsetY, width: scaleX, height: scaleY };
}

/** Between two looks: the same regions and points on their way. Looks of different sizes change at the middle. */
export function between(from: Look, to: Look, part: number): Look {
  const isSame = from.regions.length === to.regions.length && from.points.length === to.points.length;
  if (!isSame) return part < 0.5 ? from : to;
  const mix = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + (b[i]! - value) * part);
  return { ...to, regions: mix(from.regions, to.regions), points: mix(from.points, to.points) };
}

/** "Look 2 · 16 regions, 256 points" */
export function describeLook({ name, regions, points, prediction }: Look): string {
  const counts = [
    count(regions.length / 4, "region"),
    ...(points.length === 0 ? [] : [count(points.length / 2, "point")]),
  ];
  return `${name}${prediction === undefined ? "" : `: ${prediction.label}`} · ${counts.join(", ")}`;
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
