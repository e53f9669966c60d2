// How much a picture differs from another one, for next to nothing: the mean colours of 16 x 16 cells of what the model sees. It takes less time than
// bringing the picture to the model's size, which frames that nobody looks at do not need.
import type { RawImage } from "../../image/raw-image.ts";
import type { ViewToPicture } from "../../image/transform.ts";

/** Cells along each axis. */
const CELLS = 16;
/** Pixels that are read of a cell along each axis. */
const SAMPLES = 8;
const PLACES = CELLS * SAMPLES;

/** Mean red, green and blue of each cell, 0..255: cells row by row. */
export type Thumbnail = Float32Array;

/** @param view what of the picture is seen; the rest may change as it likes */
export function thumbnailOf({ width, height, data }: RawImage, view: ViewToPicture): Thumbnail {
  const columns = places(view.offsetX, view.scaleX, width);
  const rows = places(view.offsetY, view.scaleY, height);
  const cells = new Float32Array(CELLS * CELLS * 3);
  // Plain loops: this is done for every frame.
  for (let i = 0; i < PLACES; i++) {
    const cellRow = Math.floor(i / SAMPLES) * CELLS;
    const pixelRow = rows[i]! * width;
    for (let j = 0; j < PLACES; j++) {
      const cell = 3 * (cellRow + Math.floor(j / SAMPLES));
      const pixel = 3 * (pixelRow + columns[j]!);
      cells[cell]! += data[pixel]!;
      cells[cell + 1]! += data[pixel + 1]!;
      cells[cell + 2]! += data[pixel + 2]!;
    }
  }
  for (let i = 0; i < cells.length; i++) cells[i]! /= SAMPLES * SAMPLES;
  return cells;
}

/** Pixels along an axis that are read: as many for each cell, evenly apart. */
function places(offset: number, scale: number, size: number): Int32Array {
  const within = (position: number) => size * Math.min(1, Math.max(0, position));
  const start = within(Math.min(offset, offset + scale));
  const step = (within(Math.max(offset, offset + scale)) - start) / PLACES;
  return Int32Array.from({ length: PLACES }, (_, i) => Math.min(size - 1, Math.floor(start + (i + 0.5) * step)));
}

/** The mean difference of two thumbnails' cells, 0 (none) to 1 (black and white). Two shots are rarely less than 0.15 apart. */
export function changeBetween(a: Thumbnail, b: Thumbnail): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length / 255;
}
