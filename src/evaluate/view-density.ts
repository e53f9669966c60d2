// How often each place of the model's view was looked at, over many pictures, and how much of that lies in a rectangle.

/** Left, top, right, bottom; 0 to 1. */
export type ViewRectangle = readonly [x1: number, y1: number, x2: number, y2: number];

/** Fine beside any box: a hundredth of the view's side. */
const CELLS = 100;

/** Counts points in cells of the view. Within a cell points are taken as spread evenly. */
export class ViewDensity {
  readonly #cells = new Float64Array(CELLS * CELLS);
  #points = 0;
  /** Summed area table of (CELLS + 1)^2 corners; made when it is first asked for. */
  #sums: Float64Array | undefined;

  /** @param points x, y, x, y, …; those outside of the view count, but lie nowhere in it */
  add(points: Float32Array): void {
    this.#sums = undefined;
    this.#points += points.length / 2;
    for (let i = 0; i < points.length; i += 2) {
      const x = points[i]!;
      const y = points[i + 1]!;
      if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) continue;
      this.#cells[cellOf(y) * CELLS + cellOf(x)]! += 1;
    }
  }

  /** Share of all points that lie in the rectangle. */
  shareIn([x1, y1, x2, y2]: ViewRectangle): number {
    if (this.#points === 0) return 0;
    this.#sums ??= this.#integrate();
    const sums = this.#sums;
    return (at(sums, x2, y2) - at(sums, x1, y2) - at(sums, x2, y1) + at(sums, x1, y1)) / this.#points;
  }

  #integrate(): Float64Array {
    const side = CELLS + 1;
    const sums = new Float64Array(side * side);
    for (let y = 0; y < CELLS; y++)
      for (let x = 0; x < CELLS; x++)
        sums[(y + 1) * side + x + 1] =
          this.#cells[y * CELLS + x]! + sums[y * side + x + 1]! + sums[(y + 1) * side + x]! - sums[y * side + x]!;
    return sums;
  }
}

const cellOf = (position: number): number => Math.min(CELLS - 1, Math.floor(position * CELLS));

/** The number of points left of and above a place, between the corners of its cell linearly. */
function at(sums: Float64Array, x: number, y: number): number {
  const side = CELLS + 1;
  const column = cellOf(x);
  const row = cellOf(y);
  const right = x * CELLS - column;
  const down = y * CELLS - row;
  const corner = (dx: number, dy: number) => sums[(row + dy) * side + column + dx]!;
  return (
    (1 - down) * ((1 - right) * corner(0, 0) + right * corner(1, 0)) +
    down * ((1 - right) * corner(0, 1) + right * corner(1, 1))
  );
}
