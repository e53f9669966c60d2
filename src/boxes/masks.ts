// Which pixels of a picture are something's, as runs: what COCO calls RLE. A mask of a large picture is a few hundred numbers.
import { FormatError, LimitError, UsageError } from "../errors.ts";
import { DEFAULT_MAX_PIXELS } from "../image/raw-image.ts";
import type { Box } from "./box.ts";

/** Runs of pixels, column by column, the first column from top to bottom first: so many that are not in the mask, then so many that are, and so on in turns. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  /** Their sum is width x height; only the first may be 0. */
  readonly counts: Uint32Array;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * @param pixels row by row; those other than 0 are in the mask
 * @example maskOf([0, 1, 0, 1], { width: 2, height: 2 }).counts // [2, 2]
 */
export function maskOf(pixels: ArrayLike<number>, size: Size): Mask {
  return maskWhere(size, (at) => pixels[at] !== 0);
}

/**
 * The same from pixels column by column, as runs are.
 *
 * @param first the first column in which there may be any, @param end the first after them
 */
export function maskOfColumns(pixels: Uint8Array, { width, height }: Size, first = 0, end = width): Mask {
  const builder = new RunBuilder();
  const stop = end * height;
  let at = 0;
  for (let i = first * height; i < stop; ) {
    const start = pixels.indexOf(1, i);
    if (start < 0 || start >= stop) break;
    let past = start;
    while (past < stop && pixels[past] === 1) past++;
    builder.add(start - at, false);
    builder.add(past - start, true);
    at = i = past;
  }
  builder.add(width * height - at, false);
  return builder.finish(width, height);
}

/** @param isIn asked for each pixel by its place, row by row from 0 */
export function maskWhere({ width, height }: Size, isIn: (at: number) => boolean): Mask {
  const builder = new RunBuilder();
  for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) builder.add(1, isIn(y * width + x));
  return builder.finish(width, height);
}

/**
 * A box of the picture that is divided into cells, of which each pixel is in the one that its middle is in.
 *
 * @param box in whole pixels of the picture
 * @param isIn asked for cells by their place, row by row from 0
 */
export function maskOfCells(
  { width, height }: Size,
  [x0, y0, x1, y1]: Box,
  cells: Size,
  isIn: (at: number) => boolean,
): Mask {
  const rows = cellRuns(y0, y1, cells.height);
  const builder = new RunBuilder();
  builder.add(x0 * height, false);
  for (const column of cellRuns(x0, x1, cells.width))
    for (let i = 0; i < column.pixels; i++) {
      builder.add(y0, false);
      for (const row of rows) builder.add(row.pixels, isIn(row.cell * cells.width + column.cell));
      builder.add(height - y1, false);
    }
  builder.add((width - x1) * height, false);
  return builder.finish(width, height);
}

/** The cells along a side of a box that have pixels, and how many. */
function cellRuns(from: number, to: number, cells: number): { readonly cell: number; readonly pixels: number }[] {
  const counts = new Uint32Array(cells);
  for (let i = 0; i < to - from; i++) counts[Math.min(cells - 1, Math.floor(((i + 0.5) * cells) / (to - from)))]!++;
  return Array.from(counts, (pixels, cell) => ({ cell, pixels })).filter(({ pixels }) => pixels > 0);
}

/** Row by row, 1 where the mask is. */
export function maskPixels(mask: Mask): Uint8Array {
  const pixels = new Uint8Array(mask.width * mask.height);
  eachRun(mask, (x, y0, y1) => {
    for (let y = y0; y < y1; y++) pixels[y * mask.width + x] = 1;
  });
  return pixels;
}

/** Calls `visit` for each stretch of a column that is in the mask: pixels (x, y0) to (x, y1 - 1). */
export function eachRun({ height, counts }: Mask, visit: (x: number, y0: number, y1: number) => void): void {
  let at = 0;
  for (const [i, count] of counts.entries()) {
    if (i % 2 === 1)
      for (let start = at; start < at + count; ) {
        const x = Math.floor(start / height);
        const end = Math.min(at + count, (x + 1) * height);
        visit(x, start - x * height, end - x * height);
        start = end;
      }
    at += count;
  }
}

/** Pixels in the mask. */
export function maskArea({ counts }: Mask): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i]!;
  return area;
}

/** The smallest box around it; undefined for a mask without pixels. */
export function maskBox(mask: Mask): Box | undefined {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  eachRun(mask, (x, from, to) => {
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x + 1);
    y0 = Math.min(y0, from);
    y1 = Math.max(y1, to);
  });
  return x1 < x0 ? undefined : [x0, y0, x1, y1];
}

/** Pixels in both. Throws UsageError for masks of pictures of different sizes. */
export function sharedMaskArea(a: Mask, b: Mask): number {
  if (a.width !== b.width || a.height !== b.height)
    throw new UsageError(
      `a mask of ${a.width} x ${a.height} and one of ${b.width} x ${b.height} are of different pictures`,
    );
  let shared = 0;
  let [i, j, endA, endB, at] = [0, 0, a.counts[0] ?? 0, b.counts[0] ?? 0, 0];
  while (i < a.counts.length && j < b.counts.length) {
    const end = Math.min(endA, endB);
    if (i % 2 === 1 && j % 2 === 1) shared += end - at;
    at = end;
    if (endA === end) endA += a.counts[++i] ?? 0;
    if (endB === end) endB += b.counts[++j] ?? 0;
  }
  return shared;
}

/** Intersection over union, 0..1; 0 where both are empty. */
export function maskIou(a: Mask, b: Mask): number {
  const shared = sharedMaskArea(a, b);
  return shared === 0 ? 0 : shared / (maskArea(a) + maskArea(b) - shared);
}

/** Columns that are turned together. */
const STRIP = 16;

/** The masks of all numbers but 0 in a map of them, row by row. */
export function masksOf(ids: ArrayLike<number>, { width, height }: Size): Map<number, Mask> {
  const builders = new Map<number, { readonly builder: RunBuilder; end: number }>();
  const add = (id: number, start: number, end: number) => {
    if (id === 0) return;
    const known = builders.get(id) ?? { builder: new RunBuilder(), end: 0 };
    known.builder.add(start - known.end, false);
    known.builder.add(end - start, true);
    known.end = end;
    builders.set(id, known);
  };
  let [id, start] = [0, 0];
  // Rows are read in strips: along a column every pixel would be far from the one before.
  const strip = new Int32Array(STRIP * height);
  for (let left = 0; left < width; left += STRIP) {
    const columns = Math.min(STRIP, width - left);
    for (let y = 0; y < height; y++)
      for (let i = 0; i < columns; i++) strip[i * height + y] = ids[y * width + left + i]!;
    for (let i = 0; i < columns * height; i++) {
      const next = strip[i]!;
      if (next === id) continue;
      const at = left * height + i;
      add(id, start, at);
      id = next;
      start = at;
    }
  }
  const size = width * height;
  add(id, start, size);
  return new Map(
    [...builders].map(([key, { builder, end }]) => {
      builder.add(size - end, false);
      return [key, builder.finish(width, height)];
    }),
  );
}

/** A mask of the same picture at another size: each pixel is what the pixel under its centre was. */
export function resizeMask(mask: Mask, { width, height }: Size): Mask {
  if (mask.width === width && mask.height === height) return mask;
  const columns: (readonly [number, number])[][] = Array.from({ length: mask.width }, () => []);
  eachRun(mask, (x, y0, y1) => columns[x]!.push([y0, y1]));
  const row = (y: number) => Math.max(0, Math.min(height, Math.ceil((y * height) / mask.height - 0.5)));
  const builder = new RunBuilder();
  for (let x = 0; x < width; x++) {
    let at = 0;
    for (const [y0, y1] of columns[Math.floor(((x + 0.5) * mask.width) / width)]!) {
      builder.add(row(y0) - at, false);
      builder.add(row(y1) - row(y0), true);
      at = row(y1);
    }
    builder.add(height - at, false);
  }
  return builder.finish(width, height);
}

/** Makes runs of stretches that come in their order. */
export class RunBuilder {
  readonly #counts: number[] = [0];

  add(count: number, isIn: boolean): void {
    if (count === 0) return;
    const isInNow = this.#counts.length % 2 === 0;
    if (isIn === isInNow) this.#counts[this.#counts.length - 1]! += count;
    else this.#counts.push(count);
  }

  finish(width: number, height: number): Mask {
    return { width, height, counts: Uint32Array.from(this.#counts) };
  }
}

/** The counts as COCO's compressed text: numbers of five bits a character, from the third one on as the difference from the last but one. */
export function printCounts({ counts }: Mask): string {
  const codes: number[] = [];
  for (const [i, count] of counts.entries()) {
    let rest = i > 2 ? count - counts[i - 2]! : count;
    for (let isLast = false; !isLast; ) {
      const bits = rest & 31;
      rest >>= 5;
      isLast = (bits & 16) === 0 ? rest === 0 : rest === -1;
      codes.push((isLast ? bits : bits | 32) + 48);
    }
  }
  return codes.map((code) => String.fromCharCode(code)).join("");
}

/**
 * A mask from COCO's counts, as numbers or as compressed text. Pictures and masks of strangers: everything is checked before pixels are allocated.
 *
 * @param where for messages: "annotation 17"
 * @throws FormatError, LimitError
 */
export function readCounts(counts: unknown, size: Size, where: string): Mask {
  const { width, height } = size;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new FormatError("mask", `${where} is of a picture of ${width} x ${height}`);
  if (width * height > DEFAULT_MAX_PIXELS)
    throw new LimitError(`the mask of ${where}`, width * height, DEFAULT_MAX_PIXELS, "pixels");
  const numbers = typeof counts === "string" ? parseCounts(counts, where) : numbersOf(counts, where);
  let sum = 0;
  for (const [i, count] of numbers.entries()) {
    if (count < 0 || !Number.isInteger(count))
      throw new FormatError("mask", `${where}: run ${i} is ${count} pixels long`);
    sum += count;
  }
  if (sum !== width * height)
    throw new FormatError(
      "mask",
      `${where}: its runs are ${sum} pixels long together, and the picture has ${width} x ${height} = ${width * height}`,
      { hint: "a mask belongs to a picture of its own size" },
    );
  const builder = new RunBuilder();
  numbers.forEach((count, i) => {
    builder.add(count, i % 2 === 1);
  });
  return builder.finish(width, height);
}

function numbersOf(counts: unknown, where: string): readonly number[] {
  if (Array.isArray(counts) && counts.every((count) => typeof count === "number")) return counts;
  throw new FormatError("mask", `${where}: counts are numbers or a compressed text`);
}

function parseCounts(text: string, where: string): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    for (let shift = 0; ; shift += 5) {
      const code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64))
        throw new FormatError("mask", `${where}: its compressed runs break off or are damaged`);
      if (shift > 30) throw new FormatError("mask", `${where}: a run of its compressed runs is too long`);
      value += (code & 31) * 2 ** shift;
      if ((code & 32) !== 0) continue;
      if ((code & 16) !== 0) value -= 2 ** (shift + 5);
      break;
    }
    const i = numbers.length;
    numbers.push(i > 2 ? value + numbers[i - 2]! : value);
  }
  return numbers;
}
