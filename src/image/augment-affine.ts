// Moving pixels by an affine map, as Pillow's Image.transform(size, AFFINE, …) and Image.rotate do on 8-bit RGB (src/libImaging/Geometry.c:
// ImagingGenericTransform with its bilinear and bicubic filters, which truncate where resizing rounds).
import type { RandomSource } from "../random.ts";
import { invertMap, type MovedPicture } from "./affine-map.ts";
import type { PictureSize, RawImage } from "./raw-image.ts";

/** The filters that geometric augmentations use. */
export type AffineFilter = "bilinear" | "bicubic";

/** `sourceX = a x + b y + c`, `sourceY = d x + e y + f`, pixel centres at halves. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export interface AffineOptions {
  readonly filter: AffineFilter;
  /** What is seen where the map leaves the picture. */
  readonly fill: readonly [red: number, green: number, blue: number];
  /** Of what is made. Default: the picture's. */
  readonly size?: PictureSize;
}

/** Where a sampled point lies: the four columns and rows around it, clipped to the picture, and the fractions between the middle two. */
interface Taps {
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  dx: number;
  dy: number;
}

/**
 * The picture seen through an affine map.
 *
 * @example const sheared = affine(image, [1, 0.3, 0, 0, 1, 0], { filter: "bicubic", fill: [128, 128, 128] });
 */
export function affine(image: RawImage, matrix: AffineMatrix, options: AffineOptions): RawImage {
  const { width: sourceWidth, height: sourceHeight } = image;
  const { width, height } = options.size ?? image;
  const [a, b, c, d, e, f] = matrix;
  const [red, green, blue] = options.fill;
  const sample = options.filter === "bilinear" ? sampleBilinear : sampleBicubic;
  const data = new Uint8Array(width * height * 3);
  const taps: Taps = { columns: new Int32Array(4), rows: new Int32Array(4), dx: 0, dy: 0 };
  for (let y = 0, at = 0; y < height; y++) {
    const centerY = y + 0.5;
    for (let x = 0; x < width; x++, at += 3) {
      const centerX = x + 0.5;
      const sourceX = a * centerX + b * centerY + c;
      const sourceY = d * centerX + e * centerY + f;
      if (sourceX >= 0 && sourceX < sourceWidth && sourceY >= 0 && sourceY < sourceHeight) {
        place(taps, sourceX - 0.5, sourceY - 0.5, sourceWidth, sourceHeight);
        sample(image.data, taps, data, at);
      } else {
        data[at] = red;
        data[at + 1] = green;
        data[at + 2] = blue;
      }
    }
  }
  return { width, height, data };
}

/**
 * The picture turned about its middle, counter-clockwise, same size: Pillow's `image.rotate(degrees, filter, fillcolor=fill)`.
 *
 * @example const tilted = rotate(image, 10, { filter: "bilinear", fill: [0, 0, 0] });
 */
export function rotate(image: RawImage, degrees: number, options: AffineOptions): RawImage {
  const turn = ((degrees % 360) + 360) % 360;
  if (turn === 0) return image;
  const angle = (-turn * Math.PI) / 180;
  // Pillow rounds to 15 digits, so that right angles have exact zeros.
  const round = (value: number) => Number(value.toFixed(15));
  const cos = round(Math.cos(angle));
  const sin = round(Math.sin(angle));
  const minusSin = round(-Math.sin(angle));
  const middleX = image.width / 2;
  const middleY = image.height / 2;
  const offsetX = cos * -middleX + sin * -middleY + middleX;
  const offsetY = minusSin * -middleX + cos * -middleY + middleY;
  return affine(image, [cos, sin, offsetX, minusSin, cos, offsetY], options);
}

/** How far a picture is turned, moved and scaled at most: torchvision's RandomAffine without shearing. */
export interface RandomAffineOptions {
  /** Either way. */
  readonly degrees: number;
  /** Shares of the width and of the height, either way. */
  readonly translate: number;
  /** Lowest and highest factor. */
  readonly scale: readonly [low: number, high: number];
}

/** The picture turned and scaled about its middle and moved, each at random, same size; bilinear, black where it ends. */
export function randomAffine(
  image: RawImage,
  { degrees, translate, scale }: RandomAffineOptions,
  random: RandomSource,
): MovedPicture {
  const { width, height } = image;
  const angle = (random.between(-degrees, degrees) * Math.PI) / 180;
  const [moveX, moveY] = [
    random.between(-translate, translate) * width,
    random.between(-translate, translate) * height,
  ];
  const factor = random.between(...scale);
  // From the new picture back to the old one.
  const [a, b] = [Math.cos(angle) / factor, Math.sin(angle) / factor];
  const [middleX, middleY] = [width / 2, height / 2];
  const [x, y] = [middleX + moveX, middleY + moveY];
  const matrix: AffineMatrix = [a, b, middleX - a * x - b * y, -b, a, middleY + b * x - a * y];
  return { image: affine(image, matrix, { filter: "bilinear", fill: [0, 0, 0] }), map: invertMap(matrix) };
}

function place(taps: Taps, x: number, y: number, width: number, height: number): void {
  const column = Math.floor(x);
  const row = Math.floor(y);
  taps.dx = x - column;
  taps.dy = y - row;
  const rowBytes = width * 3;
  for (let i = 0; i < 4; i++) {
    taps.columns[i] = Math.min(Math.max(column - 1 + i, 0), width - 1) * 3;
    taps.rows[i] = Math.min(Math.max(row - 1 + i, 0), height - 1) * rowBytes;
  }
}

function sampleBilinear(source: Uint8Array, { columns, rows, dx, dy }: Taps, out: Uint8Array, at: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const left = columns[1]! + channel;
    const right = columns[2]! + channel;
    const upper = lerp(source[rows[1]! + left]!, source[rows[1]! + right]!, dx);
    const lower = lerp(source[rows[2]! + left]!, source[rows[2]! + right]!, dx);
    out[at + channel] = lerp(upper, lower, dy);
  }
}

function sampleBicubic(source: Uint8Array, { columns, rows, dx, dy }: Taps, out: Uint8Array, at: number): void {
  const c0 = columns[0]!;
  const c1 = columns[1]!;
  const c2 = columns[2]!;
  const c3 = columns[3]!;
  for (let channel = 0; channel < 3; channel++) {
    const r0 = rows[0]! + channel;
    const r1 = rows[1]! + channel;
    const r2 = rows[2]! + channel;
    const r3 = rows[3]! + channel;
    const v0 = cubic(source[r0 + c0]!, source[r0 + c1]!, source[r0 + c2]!, source[r0 + c3]!, dx);
    const v1 = cubic(source[r1 + c0]!, source[r1 + c1]!, source[r1 + c2]!, source[r1 + c3]!, dx);
    const v2 = cubic(source[r2 + c0]!, source[r2 + c1]!, source[r2 + c2]!, source[r2 + c3]!, dx);
    const v3 = cubic(source[r3 + c0]!, source[r3 + c1]!, source[r3 + c2]!, source[r3 + c3]!, dx);
    const value = cubic(v0, v1, v2, v3, dy);
    out[at + channel] = value <= 0 ? 0 : Math.min(value, 255);
  }
}

const lerp = (from: number, to: number, position: number): number => from + (to - from) * position;

/** Four values through which a cubic with slope (b's neighbours) runs, between `b` and `c`. */
function cubic(a: number, b: number, c: number, d: number, position: number): number {
  const linear = c - a;
  const square = 2 * (a - b) + c - d;
  const cube = b - a - c + d;
  return b + position * (linear + position * (square + position * cube));
}
