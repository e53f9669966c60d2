// Drawing on pictures: blended rectangles, lines and discs with smooth edges. Coordinates are pixels with fractions: pixel i covers i to i + 1.
// Everything draws into the picture it is given and leaves out what lies outside.

import type { RawImage } from "./raw-image.ts";
import { copyWindow } from "./resample.ts";

export type Color = readonly [red: number, green: number, blue: number];

/** Left, top, right, bottom. */
export type Rectangle = readonly [x1: number, y1: number, x2: number, y2: number];

export interface StrokeOptions {
  /** 0 (nothing) to 1 (opaque). Default 1. */
  readonly alpha?: number;
  /** Pixels, fractions allowed. Default 1. */
  readonly thickness?: number;
}

/** A picture of one colour. */
export function createPicture(width: number, height: number, color: Color): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.set(color, at);
  return { width, height, data };
}

/** A copy to draw on. */
export function copyPicture(image: RawImage): RawImage {
  return copyWindow(image, { x: 0, y: 0, width: image.width, height: image.height });
}

function blend(image: RawImage, at: number, color: Color, alpha: number): void {
  const { data } = image;
  data[at] = data[at]! + (color[0] - data[at]!) * alpha + 0.5;
  data[at + 1] = data[at + 1]! + (color[1] - data[at + 1]!) * alpha + 0.5;
  data[at + 2] = data[at + 2]! + (color[2] - data[at + 2]!) * alpha + 0.5;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** How much of pixel `i` lies between `low` and `high`. */
const covered = (i: number, low: number, high: number): number => Math.min(i + 1, high) - Math.max(i, low);

/** A filled rectangle; pixels that it covers in part are blended in part. */
export function fillRectangle(image: RawImage, rectangle: Rectangle, color: Color, alpha = 1): void {
  const [x1, y1, x2, y2] = rectangle;
  const left = clamp(x1, 0, image.width);
  const right = clamp(x2, 0, image.width);
  const top = clamp(y1, 0, image.height);
  const bottom = clamp(y2, 0, image.height);
  if (!(left < right && top < bottom)) return; // empty, or not numbers
  for (let y = Math.floor(top); y < bottom; y++) {
    const rowAlpha = alpha * covered(y, top, bottom);
    for (let x = Math.floor(left); x < right; x++)
      blend(image, (y * image.width + x) * 3, color, rowAlpha * covered(x, left, right));
  }
}

/** The outline of a rectangle, its thickness centred on the edges. */
export function strokeRectangle(
  image: RawImage,
  rectangle: Rectangle,
  color: Color,
  options: StrokeOptions = {},
): void {
  const half = (options.thickness ?? 1) / 2;
  const alpha = options.alpha ?? 1;
  const [x1, y1, x2, y2] = rectangle;
  // A rectangle thinner than its outline is a filled one; overlapping sides would be blended twice.
  if (x2 - x1 <= 2 * half || y2 - y1 <= 2 * half) {
    fillRectangle(image, [x1 - half, y1 - half, x2 + half, y2 + half], color, alpha);
    return;
  }
  fillRectangle(image, [x1 - half, y1 - half, x2 + half, y1 + half], color, alpha);
  fillRectangle(image, [x1 - half, y2 - half, x2 + half, y2 + half], color, alpha);
  fillRectangle(image, [x1 - half, y1 + half, x1 + half, y2 - half], color, alpha);
  fillRectangle(image, [x2 - half, y1 + half, x2 + half, y2 - half], color, alpha);
}

/** A straight line with round ends. */
export function drawLine(
  image: RawImage,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  color: Color,
  options: StrokeOptions = {},
): void {
  const radius = (options.thickness ?? 1) / 2;
  const alpha = options.alpha ?? 1;
  const dx = x2 - x1;
  const dy = y2 - y1;
  const squaredLength = dx * dx + dy * dy;
  fillNear(
    image,
    [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)],
    radius,
    color,
    alpha,
    (x, y) => {
      const along = squaredLength === 0 ? 0 : clamp(((x - x1) * dx + (y - y1) * dy) / squaredLength, 0, 1);
      return Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
    },
  );
}

/** A filled disc. */
export function fillDisc(image: RawImage, x: number, y: number, radius: number, color: Color, alpha = 1): void {
  fillNear(image, [x, y, x, y], radius, color, alpha, (px, py) => Math.hypot(px - x, py - y));
}

/** Fills what is nearer than `radius` to a shape inside `bounds`, with an edge one pixel soft. */
function fillNear(
  image: RawImage,
  bounds: Rectangle,
  radius: number,
  color: Color,
  alpha: number,
  distance: (x: number, y: number) => number,
): void {
  const reach = radius + 1;
  const right = Math.min(bounds[2] + reach, image.width);
  const bottom = Math.min(bounds[3] + reach, image.height);
  for (let y = Math.max(0, Math.floor(bounds[1] - reach)); y < bottom; y++)
    for (let x = Math.max(0, Math.floor(bounds[0] - reach)); x < right; x++) {
      const coverage = radius + 0.5 - distance(x + 0.5, y + 0.5);
      if (coverage > 0) blend(image, (y * image.width + x) * 3, color, alpha * Math.min(coverage, 1));
    }
}

/** Puts one picture into another. `x` and `y` are whole and may lie outside. */
export function paste(image: RawImage, into: RawImage, x: number, y: number): void {
  const left = clamp(-x, 0, image.width);
  const right = clamp(into.width - x, left, image.width);
  if (left === right) return;
  for (let row = Math.max(0, -y); row < Math.min(image.height, into.height - y); row++)
    into.data.set(
      image.data.subarray((row * image.width + left) * 3, (row * image.width + right) * 3),
      ((y + row) * into.width + x + left) * 3,
    );
}

/** Takes colour and light out of a picture, so that what is drawn over it stands out. Both from 0 (black and white, dark) to 1 (as it is). */
export function fade(image: RawImage, saturation: number, brightness: number): void {
  const { data } = image;
  for (let at = 0; at < data.length; at += 3) {
    const grey = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
    for (let i = at; i < at + 3; i++) data[i] = (grey + (data[i]! - grey) * saturation) * brightness + 0.5;
  }
}

/** The `index`-th of endlessly many colours of one lightness that differ from their neighbours: hues a golden angle apart. */
export function distinctColor(index: number): Color {
  const hue = (index * 137.508) % 360;
  // Hue to RGB at full saturation, then lightened, because pure blue and red are dark on photographs.
  const channel = (shift: number) => {
    const position = ((hue / 60 + shift) % 6) - 3;
    return Math.round(70 + 185 * clamp(Math.abs(position) - 1, 0, 1));
  };
  return [channel(0), channel(4), channel(2)];
}
