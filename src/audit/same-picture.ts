// Whether two thumbnails show one picture: the same framing, mirrored, or one of them cropped a little. Features alone cannot tell: a heap of
// lemons is as near to another heap as to its own copy.
import { THUMBNAIL_SIDE } from "./picture-facts.ts";

/** Side of what is compared: finer details move too far when a picture is cropped or compressed. */
const SIDE = 16;
const CELLS = SIDE * SIDE;
/** Numbers in what `comparable` gives. */
export const THUMBNAIL_CELLS = CELLS;
/** Parts of a side that a crop may have left, and where it may have been. */
const CROPS = [0.95, 0.9, 0.85, 0.8];
const PLACES = [0, 0.5, 1];
/** Standard deviation below which a thumbnail has nothing to compare but noise. */
const LEAST_CONTRAST = 3;

/** Which of a thumbnail's cells a cell is read from, and how much of each. */
interface Window {
  /** Four for each cell. */
  readonly cells: Int32Array;
  readonly shares: Float32Array;
}

const WHOLE = cut(1, 0, 0, false);
const ALIGNED: readonly Window[] = [WHOLE, cut(1, 0, 0, true)];
const CROPPED: readonly Window[] = CROPS.flatMap((part) =>
  PLACES.flatMap((x) => PLACES.flatMap((y) => [cut(part, x, y, false), cut(part, x, y, true)])),
);

/** Luminance in the same framing, ready for products: mean 0, length 1; zeros where there is no contrast. (256) */
export function comparable(thumbnail: Uint8Array): Float32Array {
  return read(thumbnail, WHOLE);
}

/** How alike two thumbnails are in the same framing, or mirrored: a correlation of luminance, -1 to 1. */
export function alignedLikeness(a: Uint8Array, b: Uint8Array): number {
  const whole = read(a, WHOLE);
  return Math.max(...ALIGNED.map((window) => dot(whole, read(b, window))));
}

/** The same with either of them cropped: a hundred times the work. */
export function croppedLikeness(a: Uint8Array, b: Uint8Array): number {
  const [wholeA, wholeB] = [read(a, WHOLE), read(b, WHOLE)];
  return CROPPED.reduce(
    (most, window) => Math.max(most, dot(wholeA, read(b, window)), dot(wholeB, read(a, window))),
    -1,
  );
}

/** A part of the picture, `x` and `y` from 0 (left, top) to 1, read between cells. */
function cut(part: number, x: number, y: number, isMirrored: boolean): Window {
  const cells = new Int32Array(4 * CELLS);
  const shares = new Float32Array(4 * CELLS);
  const places = (offset: number) =>
    Array.from({ length: SIDE }, (_, i) => {
      const at = (1 - part) * offset * THUMBNAIL_SIDE + ((i + 0.5) * part * THUMBNAIL_SIDE) / SIDE - 0.5;
      const cell = Math.min(Math.floor(at), THUMBNAIL_SIDE - 2);
      return { cell, share: at - cell };
    });
  const columns = isMirrored ? places(x).reverse() : places(x);
  for (const [row, vertical] of places(y).entries())
    for (const [column, horizontal] of columns.entries())
      for (let corner = 0; corner < 4; corner++) {
        const [down, right] = [corner >> 1, corner & 1];
        const at = 4 * (row * SIDE + column) + corner;
        cells[at] = (vertical.cell + down) * THUMBNAIL_SIDE + horizontal.cell + right;
        shares[at] =
          (down === 1 ? vertical.share : 1 - vertical.share) * (right === 1 ? horizontal.share : 1 - horizontal.share);
      }
  return { cells, shares };
}

function read(thumbnail: Uint8Array, { cells, shares }: Window): Float32Array {
  const values = new Float32Array(CELLS);
  let sum = 0;
  for (let i = 0; i < CELLS; i++) {
    let value = 0;
    for (let at = 4 * i; at < 4 * i + 4; at++) value += shares[at]! * thumbnail[cells[at]!]!;
    values[i] = value;
    sum += value;
  }
  const mean = sum / CELLS;
  let square = 0;
  for (let i = 0; i < CELLS; i++) square += (values[i]! - mean) ** 2;
  const length = Math.sqrt(square);
  const scale = length < LEAST_CONTRAST * SIDE ? 0 : 1 / length;
  for (let i = 0; i < CELLS; i++) values[i] = (values[i]! - mean) * scale;
  return values;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
