// The class of each pixel where a model gives class scores on a grid, from one view of the picture or from several.
import type { PictureSize } from "../../image/raw-image.ts";
import { NO_PAUSE, type Pause } from "./query-inference.ts";
import { type ScoreGrid, type Taps, tapsOf, UNSEEN } from "./score-grid.ts";

/**
 * The class of the largest score at every pixel, row by row; `UNSEEN` where no view shows the picture. Where several do, their scores are added.
 */
export async function largestClasses(
  grids: readonly ScoreGrid[],
  picture: PictureSize,
  pause: Pause = NO_PAUSE,
): Promise<Uint16Array> {
  const { width, height } = picture;
  const answer = new Uint16Array(width * height).fill(UNSEEN);
  const readers = grids.map((grid) => new ClassReader(grid, picture));
  const sums = new Float64Array(grids[0]!.maps);
  for (let y = 0; y < height; y++) {
    if (y % 16 === 0) await pause();
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
