// A picture's pixels by the four cells of a score grid that they lie between: within such a block scores change linearly, so its corners say between which bounds they
// are, and most blocks are decided without looking at their pixels.
import type { PictureSize } from "../../image/raw-image.ts";
import { type ScoreGrid, type Taps, tapsOf } from "./score-grid.ts";

/** Pixels along a side that lie between the same two cells: from `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

export class ScoreBlocks {
  readonly columns: readonly Span[];
  readonly rows: readonly Span[];
  readonly maps: number;
  /** (cells, maps): what all maps say of a cell lies together. */
  readonly #cells: Float32Array;
  readonly #width: number;
  readonly #x: Taps;
  readonly #y: Taps;
  /** Where the four cells of the present block begin in `#cells`: above left, above right, below left, below right. */
  readonly #corners = new Int32Array(4);

  constructor(grid: ScoreGrid, picture: PictureSize) {
    const { x, y } = tapsOf(grid, picture);
    this.#x = x;
    this.#y = y;
    this.columns = spansOf(x);
    this.rows = spansOf(y);
    this.maps = grid.maps;
    this.#width = grid.width;
    const size = grid.width * grid.height;
    this.#cells = new Float32Array(size * grid.maps);
    for (let map = 0; map < grid.maps; map++)
      for (let i = 0; i < size; i++) this.#cells[i * grid.maps + map] = grid.data[map * size + i]!;
  }

  /** What is asked for next is of this block. */
  enter(row: Span, column: Span): void {
    const place = (y: number, x: number) => (y * this.#width + x) * this.maps;
    this.#corners[0] = place(row.from, column.from);
    this.#corners[1] = place(row.from, column.to);
    this.#corners[2] = place(row.to, column.from);
    this.#corners[3] = place(row.to, column.to);
  }

  /** The largest score of a map in the block. */
  most(map: number): number {
    const [cells, at] = [this.#cells, this.#corners];
    return Math.max(cells[at[0]! + map]!, cells[at[1]! + map]!, cells[at[2]! + map]!, cells[at[3]! + map]!);
  }

  /** The smallest. */
  least(map: number): number {
    const [cells, at] = [this.#cells, this.#corners];
    return Math.min(cells[at[0]! + map]!, cells[at[1]! + map]!, cells[at[2]! + map]!, cells[at[3]! + map]!);
  }

  /** A map's score at a pixel of the block, in single precision as the official programs interpolate. */
  at(map: number, x: number, y: number): number {
    const [cells, corners] = [this.#cells, this.#corners];
    const down = this.#y.shares[y]!;
    const [above, below] = [cells[corners[0]! + map]!, cells[corners[2]! + map]!];
    const left = Math.fround(above + down * (below - above));
    const [aboveRight, belowRight] = [cells[corners[1]! + map]!, cells[corners[3]! + map]!];
    const right = Math.fround(aboveRight + down * (belowRight - aboveRight));
    return Math.fround(left + this.#x.shares[x]! * (right - left));
  }
}

function spansOf({ from, to, start, end }: Taps): Span[] {
  const spans: Span[] = [];
  for (let i = start; i < end; ) {
    const first = i;
    while (i < end && from[i] === from[first] && to[i] === to[first]) i++;
    spans.push({ start: first, end: i, from: from[first]!, to: to[first]! });
  }
  return spans;
}
