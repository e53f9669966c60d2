// Dense products in float64, row-major, in tiles that stay in a core's first cache.

/** Sizes of the tiles that stay in a core's first cache while all rows go past. */
const TILE = 64;

/** A B. @param a (rows, inner) @param b (inner, columns) @returns (rows, columns) */
export function multiply(
  a: Float64Array | Float32Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let left = 0; left < columns; left += TILE) {
    const right = Math.min(left + TILE, columns);
    for (let top = 0; top < inner; top += TILE) {
      const bottom = Math.min(top + TILE, inner);
      for (let row = 0; row < rows; row++)
        multiplyTile(a, b, out, row * inner, row * columns, columns, top, bottom, left, right);
    }
  }
  return out;
}

/** out[row, left..right] += a[row, top..bottom] b[top..bottom, left..right], four rows of b at a time. */
function multiplyTile(
  a: Float64Array | Float32Array,
  b: Float64Array,
  out: Float64Array,
  aRow: number,
  outRow: number,
  columns: number,
  top: number,
  bottom: number,
  left: number,
  right: number,
): void {
  let k = top;
  for (; k + 4 <= bottom; k += 4) {
    const a0 = a[aRow + k]!;
    const a1 = a[aRow + k + 1]!;
    const a2 = a[aRow + k + 2]!;
    const a3 = a[aRow + k + 3]!;
    const b0 = k * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let c = left; c < right; c++)
      out[outRow + c] = out[outRow + c]! + a0 * b[b0 + c]! + a1 * b[b1 + c]! + a2 * b[b2 + c]! + a3 * b[b3 + c]!;
  }
  for (; k < bottom; k++) {
    const a0 = a[aRow + k]!;
    const b0 = k * columns;
    for (let c = left; c < right; c++) out[outRow + c] = out[outRow + c]! + a0 * b[b0 + c]!;
  }
}

/** Aᵀ B. @param a (rows, width) @param b (rows, columns) @returns (width, columns) */
export function multiplyTransposed(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  width: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(width * columns);
  for (let left = 0; left < columns; left += TILE)
    for (let top = 0; top < width; top += TILE)
      transposedTile(
        a,
        b,
        out,
        rows,
        width,
        columns,
        top,
        Math.min(top + TILE, width),
        left,
        Math.min(left + TILE, columns),
        false,
      );
  return out;
}

/** Aᵀ A, both triangles. @param a (rows, width) @returns (width, width) */
export function gramMatrix(a: Float64Array, rows: number, width: number): Float64Array {
  const out = new Float64Array(width * width);
  for (let top = 0; top < width; top += TILE)
    for (let left = top; left < width; left += TILE)
      transposedTile(
        a,
        a,
        out,
        rows,
        width,
        width,
        top,
        Math.min(top + TILE, width),
        left,
        Math.min(left + TILE, width),
        left === top,
      );
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) out[i * width + j] = out[j * width + i]!;
  return out;
}

/** out[top..bottom, left..right] += aᵀ b over all rows, four at a time; `upper` leaves out what is below the diagonal. */
function transposedTile(
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  rows: number,
  width: number,
  columns: number,
  top: number,
  bottom: number,
  left: number,
  right: number,
  upper: boolean,
): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const a0 = row * width;
    const b0 = row * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let i = top; i < bottom; i++) {
      const x0 = a[a0 + i]!;
      const x1 = a[a0 + width + i]!;
      const x2 = a[a0 + 2 * width + i]!;
      const x3 = a[a0 + 3 * width + i]!;
      const to = i * columns;
      for (let j = upper ? i : left; j < right; j++)
        out[to + j] = out[to + j]! + x0 * b[b0 + j]! + x1 * b[b1 + j]! + x2 * b[b2 + j]! + x3 * b[b3 + j]!;
    }
  }
  for (; row < rows; row++)
    for (let i = top; i < bottom; i++) {
      const x = a[row * width + i]!;
      const to = i * columns;
      for (let j = upper ? i : left; j < right; j++) out[to + j] = out[to + j]! + x * b[row * columns + j]!;
    }
}

/** Rows become columns. @param matrix (rows, any) @returns (any, rows) */
export function transpose(matrix: Float64Array, rows: number): Float64Array {
  const width = matrix.length / rows;
  const out = new Float64Array(matrix.length);
  for (let row = 0, at = 0; row < rows; row++) for (let i = 0; i < width; i++, at++) out[i * rows + row] = matrix[at]!;
  return out;
}
