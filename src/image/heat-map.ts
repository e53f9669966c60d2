// Density of points as a field, and a field as colours over a picture.
import type { Color } from "./draw.ts";
import type { RawImage } from "./raw-image.ts";

/** A field of values from 0 to 1, row by row. */
export interface Field {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Every tenth of matplotlib's inferno (CC0): even steps for the eye, dark to bright, safe for colour-blind readers. */
const INFERNO: readonly Color[] = [
  [0, 0, 4],
  [22, 11, 57],
  [66, 10, 104],
  [106, 23, 110],
  [147, 38, 103],
  [188, 55, 84],
  [221, 81, 58],
  [243, 120, 25],
  [252, 165, 10],
  [246, 215, 70],
  [252, 255, 164],
];

/** The colour of a value from 0 to 1. */
export function heatColor(value: number): Color {
  const position = Math.min(Math.max(value, 0), 1) * (INFERNO.length - 1);
  const low = Math.min(Math.floor(position), INFERNO.length - 2);
  const mix = position - low;
  const from = INFERNO[low]!;
  const to = INFERNO[low + 1]!;
  const between = (i: 0 | 1 | 2) => Math.round(from[i] + (to[i] - from[i]) * mix);
  return [between(0), between(1), between(2)];
}

/**
 * How densely points lie: a Gaussian at each point, the sum scaled so that the densest place is 1.
 *
 * @param points x, y, x, y, … from 0 to 1; points outside and points that are not numbers count for nothing.
 * @param sigma Width of the Gaussians, as a part of the field's longer side.
 * @param weights what each point counts. Default: 1
 */
export function pointDensity(
  points: ArrayLike<number>,
  width: number,
  height: number,
  sigma: number,
  weights?: ArrayLike<number>,
): Field {
  const counts = new Float32Array(width * height);
  for (let i = 0; i + 1 < points.length; i += 2) {
    const x = Math.floor(points[i]! * width);
    const y = Math.floor(points[i + 1]! * height);
    if (x >= 0 && x < width && y >= 0 && y < height) counts[y * width + x]! += weights?.[i / 2] ?? 1;
  }
  // A Gaussian of the plane is one along x and one along y, so counting first and blurring twice is the same sum, for far fewer steps.
  const pixels = Math.max(sigma * Math.max(width, height), 1e-3);
  const blurredX = blur(counts, width, height, 1, width, pixels);
  const data = blur(blurredX, height, width, width, 1, pixels);
  const most = data.reduce((a, b) => Math.max(a, b), 0);
  return { width, height, data: most === 0 ? data : data.map((value) => value / most) };
}

function blur(
  values: Float32Array,
  length: number,
  lines: number,
  step: number,
  lineStep: number,
  sigma: number,
): Float32Array {
  const reach = Math.ceil(sigma * 3);
  const weights = Float32Array.from({ length: reach + 1 }, (_, i) => Math.exp(-0.5 * (i / sigma) ** 2));
  const out = new Float32Array(values.length);
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i++) {
      const value = values[line * lineStep + i * step]!;
      if (value === 0) continue;
      const end = Math.min(length - 1, i + reach);
      for (let j = Math.max(0, i - reach); j <= end; j++)
        out[line * lineStep + j * step]! += value * weights[Math.abs(i - j)]!;
    }
  return out;
}

/** Lays a field over a picture: the higher the value, the more of its colour and the less of the picture. */
export function overlayHeat(image: RawImage, field: Field, strongest = 0.7): void {
  const { data } = image;
  const palette = Array.from({ length: 256 }, (_, i) => heatColor(i / 255));
  for (let y = 0, at = 0; y < image.height; y++) {
    const fieldY = ((y + 0.5) / image.height) * field.height - 0.5;
    for (let x = 0; x < image.width; x++, at += 3) {
      const value = sample(field, ((x + 0.5) / image.width) * field.width - 0.5, fieldY);
      // The root lets places that got a tenth of the attention still be seen.
      const strength = Math.sqrt(value);
      const color = palette[Math.round(strength * 255)]!;
      const alpha = strongest * Math.min(1, strength * 1.25);
      for (let i = 0; i < 3; i++) data[at + i] = data[at + i]! + (color[i]! - data[at + i]!) * alpha + 0.5;
    }
  }
}

/** Takes colour and light out of a picture where a field is low: what is looked at stays as it is. */
export function spotlight(image: RawImage, field: Field, darkest = 0.5): void {
  const { data } = image;
  for (let y = 0, at = 0; y < image.height; y++) {
    const fieldY = ((y + 0.5) / image.height) * field.height - 0.5;
    for (let x = 0; x < image.width; x++, at += 3) {
      // Places that got a third of the most are as light as that.
      const light = Math.min(1, 1.7 * Math.sqrt(sample(field, ((x + 0.5) / image.width) * field.width - 0.5, fieldY)));
      const brightness = darkest + (1 - darkest) * light;
      const grey = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
      const saturation = 0.35 + 0.65 * light;
      for (let i = at; i < at + 3; i++) data[i] = (grey + (data[i]! - grey) * saturation) * brightness + 0.5;
    }
  }
}

/** Bilinear, with the border held. */
function sample(field: Field, x: number, y: number): number {
  const { width, height, data } = field;
  const x0 = Math.min(Math.max(Math.floor(x), 0), width - 1);
  const y0 = Math.min(Math.max(Math.floor(y), 0), height - 1);
  const x1 = Math.min(x0 + 1, width - 1);
  const y1 = Math.min(y0 + 1, height - 1);
  const fx = Math.min(Math.max(x - x0, 0), 1);
  const fy = Math.min(Math.max(y - y0, 0), 1);
  const top = data[y0 * width + x0]! * (1 - fx) + data[y0 * width + x1]! * fx;
  const bottom = data[y1 * width + x0]! * (1 - fx) + data[y1 * width + x1]! * fx;
  return top * (1 - fy) + bottom * fy;
}
