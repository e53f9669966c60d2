// From a model's eight outputs to a face on the user's picture (Kartik-3004/facexformer, inference.py).
import { type Box, boxArea } from "../../boxes/box.ts";
import { maskOfCells } from "../../boxes/masks.ts";
import { UsageError } from "../../errors.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { type TensorData, toFloat32 } from "../../tensor.ts";
import { AGES, ATTRIBUTES, GENDERS, partName, RACES } from "./labels.ts";
import type { Face, FacePart, Rated } from "./results.ts";

/** Of the face's width and height, what the model sees besides, half of it on each side. */
const MARGIN = 0.5;

/** The face with a margin, in whole pixels of the picture. @throws UsageError for a box without a pixel on it */
export function withMargin([x0, y0, x1, y1]: Box, { width, height }: PictureSize): Box {
  const [across, down] = [((x1 - x0) * MARGIN) / 2, ((y1 - y0) * MARGIN) / 2];
  const box = [
    Math.max(0, Math.floor(x0 - across)),
    Math.max(0, Math.floor(y0 - down)),
    Math.min(width, Math.ceil(x1 + across)),
    Math.min(height, Math.ceil(y1 + down)),
  ] as const;
  if (x1 > x0 && y1 > y0 && box[2] > box[0] && box[3] > box[1] && Number.isFinite(boxArea(box))) return box;
  throw new UsageError(
    `a face from ${x0}, ${y0} to ${x1}, ${y1} is not on the picture of ${width} x ${height}`,
    "its left, top, right and bottom in pixels",
  );
}

/** What the model says of the face in a row of its outputs. @param box what it saw, in pixels of the picture */
export function readFace(
  outputs: Readonly<Record<string, TensorData>>,
  row: number,
  box: Box,
  picture: PictureSize,
): Face {
  const rowOf = (name: string): Float32Array => {
    const all = toFloat32(outputs[name]!);
    const size = all.length / outputs[name]!.shape[0]!;
    return all.subarray(row * size, (row + 1) * size);
  };
  const rated = (labels: readonly string[], scores: ArrayLike<number>): Rated[] =>
    labels.map((label, i) => ({ label, score: scores[i]! }));
  const likeliest = (labels: readonly string[], name: string) =>
    rated(labels, softmax(rowOf(name))).sort((a, b) => b.score - a.score);
  const [pitch, yaw, roll] = [...rowOf("pose")].map((radians) => (radians * 180) / Math.PI) as [number, number, number];
  const [, , height, width] = outputs.masks!.shape as [number, number, number, number];
  return {
    box,
    landmarks: points(rowOf("landmarks"), box),
    visibility: Array.from(rowOf("visibility"), sigmoid),
    pose: { pitch, yaw, roll },
    attributes: rated(ATTRIBUTES, rowOf("attributes").map(sigmoid)),
    age: likeliest(AGES, "age"),
    gender: likeliest(GENDERS, "gender"),
    race: likeliest(RACES, "race"),
    parts: partsOf(rowOf("masks"), { width, height }, box, picture),
  };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function softmax(scores: Float32Array): Float32Array {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/**
 * x and y of each in -1..1, from the left edge of the first pixel to the right edge of the last, -> places on the picture, where 0 is the left edge of its first pixel. The
 * official code counts middles of pixels from 0, which is half a pixel less.
 */
function points(values: Float32Array, [x0, y0, x1, y1]: Box): [number, number][] {
  const along = (value: number, from: number, to: number) => from + ((value + 1) / 2) * (to - from);
  return Array.from({ length: values.length / 2 }, (_, i) => [
    along(values[2 * i]!, x0, x1),
    along(values[2 * i + 1]!, y0, y1),
  ]);
}

/** The part with the largest score at each pixel, background left out. */
function partsOf(scores: Float32Array, seen: PictureSize, box: Box, picture: PictureSize): FacePart[] {
  const plane = seen.width * seen.height;
  const count = scores.length / plane;
  const best = new Uint8Array(plane);
  for (let at = 0; at < plane; at++)
    for (let part = 1; part < count; part++)
      if (scores[part * plane + at]! > scores[best[at]! * plane + at]!) best[at] = part;
  const present = [...new Set(best)].filter((part) => part > 0).sort((a, b) => a - b);
  return present.map((part) => ({
    index: part,
    label: partName(part),
    mask: maskOfCells(picture, box, seen, (at) => best[at] === part),
  }));
}
