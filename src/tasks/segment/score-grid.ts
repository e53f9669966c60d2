// Scores on coarse grids, read at the pixels of a picture: bilinearly between the centres of cells, as PyTorch's interpolate does without aligned corners.
import type { PictureSize } from "../../image/raw-image.ts";
import type { ViewToPicture } from "../../image/transform.ts";

/** Several maps of one view of a picture. */
export interface ScoreGrid {
  /** Map by map, row by row. */
  readonly data: Float32Array;
  readonly maps: number;
  readonly width: number;
  readonly height: number;
  /** Where the view lies on the picture. */
  readonly view: ViewToPicture;
}

/** Between which two cells pixels lie along one side, and how far: `from` + share * (`to` - `from`). */
export interface Taps {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly shares: Float32Array;
  /** The pixels that lie in the view: from the first to before the last. */
  readonly start: number;
  readonly end: number;
}

/** @param pixels along the picture's side, @param cells along the grid's; `scale` and `offset` place the view on the picture */
export function taps(pixels: number, cells: number, scale: number, offset: number): Taps {
  const from = new Int32Array(pixels);
  const to = new Int32Array(pixels);
  const shares = new Float32Array(pixels);
  let [start, end] = [pixels, 0];
  for (let i = 0; i < pixels; i++) {
    const inView = ((i + 0.5) / pixels - offset) / scale;
    if (!(inView >= 0 && inView <= 1)) continue;
    start = Math.min(start, i);
    end = i + 1;
    const at = Math.max(0, inView * cells - 0.5);
    from[i] = Math.min(Math.floor(at), cells - 1);
    to[i] = Math.min(from[i]! + 1, cells - 1);
    shares[i] = at - from[i]!;
  }
  return { from, to, shares, start: Math.min(start, end), end };
}

/** The taps of both sides of a picture. */
export function tapsOf(grid: ScoreGrid, picture: PictureSize): { readonly x: Taps; readonly y: Taps } {
  const { scaleX, scaleY, offsetX, offsetY } = grid.view;
  return {
    x: taps(picture.width, grid.width, scaleX, offsetX),
    y: taps(picture.height, grid.height, scaleY, offsetY),
  };
}

/** One map between two rows of cells, at every column of cells: (width). */
export function blendRows(grid: ScoreGrid, map: number, row: number, y: Taps, out: Float32Array): void {
  const { width, height, data } = grid;
  const base = map * width * height;
  const [above, below, share] = [base + y.from[row]! * width, base + y.to[row]! * width, y.shares[row]!];
  for (let x = 0; x < width; x++) out[x] = data[above + x]! + share * (data[below + x]! - data[above + x]!);
}

/** Which class has no pixel: there is no view of it. */
export const UNSEEN = 0xffff;

/**
 * The class of the largest score at every pixel, row by row; `UNSEEN` where no view shows the picture. Where several do, their scores are added.
 *
 * @param classes indexes into the maps that may be answers. Default: all
 */
export function largestClasses(grids: readonly ScoreGrid[], picture: PictureSize): Uint16Array {
  const { width, height } = picture;
  const answer = new Uint16Array(width * height).fill(UNSEEN);
  const readers = grids.map((grid) => new ClassReader(grid, picture));
  const sums = new Float64Array(grids[0]!.maps);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // Between four cells of one class no other can be the largest: only borders are computed.
      let agreed = UNSEEN;
      let isSure = true;
      for (const reader of readers) {
        if (!reader.shows(x, y)) continue;
        const own = reader.classAround(x, y);
        if (own === UNSEEN || (agreed !== UNSEEN && agreed !== own)) isSure = false;
        agreed = own;
        if (!isSure) break;
      }
      if (isSure) {
        answer[y * width + x] = agreed;
        continue;
      }
      sums.fill(0);
      for (const reader of readers) if (reader.shows(x, y)) reader.addScores(x, y, sums);
      let best = 0;
      for (let c = 1; c < sums.length; c++) if (sums[c]! > sums[best]!) best = c;
      answer[y * width + x] = best;
    }
  return answer;
}

class ClassReader {
  readonly #grid: ScoreGrid;
  readonly #x: Taps;
  readonly #y: Taps;
  /** The largest class of each cell. */
  readonly #cells: Uint16Array;

  constructor(grid: ScoreGrid, picture: PictureSize) {
    this.#grid = grid;
    const { x, y } = tapsOf(grid, picture);
    this.#x = x;
    this.#y = y;
    const { width, height, maps, data } = grid;
    const size = width * height;
    this.#cells = new Uint16Array(size);
    const best = data.slice(0, size);
    for (let c = 1; c < maps; c++)
      for (let i = 0; i < size; i++)
        if (data[c * size + i]! > best[i]!) {
          best[i] = data[c * size + i]!;
          this.#cells[i] = c;
        }
  }

  shows(x: number, y: number): boolean {
    return x >= this.#x.start && x < this.#x.end && y >= this.#y.start && y < this.#y.end;
  }

  /** The class of the four cells around a pixel; `UNSEEN` where they differ. */
  classAround(x: number, y: number): number {
    const { width } = this.#grid;
    const [above, below] = [this.#y.from[y]! * width, this.#y.to[y]! * width];
    const [left, right] = [this.#x.from[x]!, this.#x.to[x]!];
    const cells = this.#cells;
    const own = cells[above + left]!;
    return own === cells[above + right] && own === cells[below + left] && own === cells[below + right] ? own : UNSEEN;
  }

  addScores(x: number, y: number, sums: Float64Array): void {
    const { width, height, data } = this.#grid;
    const [above, below] = [this.#y.from[y]! * width, this.#y.to[y]! * width];
    const [left, right] = [this.#x.from[x]!, this.#x.to[x]!];
    const [across, down] = [this.#x.shares[x]!, this.#y.shares[y]!];
    const [a, b, c, d] = [(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across];
    for (let i = 0, at = 0; i < sums.length; i++, at += width * height)
      sums[i]! +=
        a * data[at + above + left]! +
        b * data[at + above + right]! +
        c * data[at + below + left]! +
        d * data[at + below + right]!;
  }
}
