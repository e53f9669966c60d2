// Round pieces of pictures that move over others: turned, scaled, at any place between pixels, and leaving on one side what comes in on the other.
import type { RawImage } from "./raw-image.ts";

/** Where a piece is, and how it is seen. */
export interface CutOutPlace {
  /** Of its middle, in pixels of the picture that it is put into. */
  readonly x: number;
  readonly y: number;
  /** In pixels. */
  readonly diameter: number;
  /** Clockwise, in radians. */
  readonly angle: number;
  /** Without colour. */
  readonly isGrey?: boolean;
}

/** Points along a side of a pixel that its colour is the mean of: pieces may be shown smaller than they are. */
const POINTS = 2;

/**
 * Puts the largest disc of a square picture into another one, which closes on itself: what leaves at a side comes in at the opposite one. Its edge
 * is a pixel soft.
 */
export function pasteCutOut(
  piece: RawImage,
  into: RawImage,
  { x, y, diameter, angle, isGrey = false }: CutOutPlace,
): void {
  const radius = diameter / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const perPixel = piece.width / diameter;
  const color = new Float64Array(3);
  const sum = new Float64Array(3);
  for (let row = Math.floor(y - radius - 1); row <= y + radius + 1; row++)
    for (let column = Math.floor(x - radius - 1); column <= x + radius + 1; column++) {
      const coverage = radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y);
      if (coverage <= 0) continue;
      sum.fill(0);
      for (let point = 0; point < POINTS * POINTS; point++) {
        const dx = column + ((point % POINTS) + 0.5) / POINTS - x;
        const dy = row + (Math.floor(point / POINTS) + 0.5) / POINTS - y;
        // Backwards: where in the piece this point comes from.
        readBilinear(
          piece,
          piece.width / 2 + (cos * dx + sin * dy) * perPixel,
          piece.height / 2 + (cos * dy - sin * dx) * perPixel,
          color,
        );
        for (let channel = 0; channel < 3; channel++) sum[channel]! += color[channel]! / (POINTS * POINTS);
      }
      if (isGrey) sum.fill(0.299 * sum[0]! + 0.587 * sum[1]! + 0.114 * sum[2]!);
      blendPixel(into, wrapped(column, into.width), wrapped(row, into.height), sum, Math.min(1, coverage));
    }
}

/** The part of a picture of `width` x `height` whose top left corner is at (x, y), which may lie between pixels. */
export function viewThrough(picture: RawImage, x: number, y: number, width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  const color = new Float64Array(3);
  for (let row = 0, at = 0; row < height; row++)
    for (let column = 0; column < width; column++, at += 3) {
      readBilinear(picture, x + column + 0.5, y + row + 0.5, color);
      for (let channel = 0; channel < 3; channel++) data[at + channel] = color[channel]! + 0.5;
    }
  return { width, height, data };
}

function blendPixel(into: RawImage, column: number, row: number, color: Float64Array, alpha: number): void {
  const at = (row * into.width + column) * 3;
  for (let channel = 0; channel < 3; channel++) {
    const before = into.data[at + channel]!;
    into.data[at + channel] = before + (color[channel]! - before) * alpha + 0.5;
  }
}

const wrapped = (position: number, size: number) => ((position % size) + size) % size;

/** The colour at a point, in pixels from the top left corner; beyond the border, the border's. */
function readBilinear({ width, height, data }: RawImage, x: number, y: number, color: Float64Array): void {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const toRight = x - 0.5 - left;
  const toBottom = y - 0.5 - top;
  const within = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const columns = [within(left, width), within(left + 1, width)] as const;
  const rows = [within(top, height) * width, within(top + 1, height) * width] as const;
  for (let channel = 0; channel < 3; channel++) {
    const value = (row: 0 | 1, column: 0 | 1) => data[(rows[row] + columns[column]) * 3 + channel]!;
    const upper = value(0, 0) * (1 - toRight) + value(0, 1) * toRight;
    const lower = value(1, 0) * (1 - toRight) + value(1, 1) * toRight;
    color[channel] = upper * (1 - toBottom) + lower * toBottom;
  }
}
