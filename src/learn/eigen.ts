// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by implicit QL steps (Bowdler, Martin, Reinsch and Wilkinson, 1968).
import { SaccadeError } from "../errors.ts";
import type { Tridiagonal } from "./tridiagonal.ts";

export interface Eigen {
  /** From the largest down. (size) */
  readonly values: Float64Array;
  /** A row for each value. (size, size) */
  readonly vectors: Float64Array;
}

const MOST_STEPS = 60;

/** @throws SaccadeError (`not_converged`), which no finite matrix is known to cause */
export function eigenOf({ size, diagonal, offDiagonal }: Tridiagonal): Eigen {
  const d = diagonal.slice();
  const e = offDiagonal.slice();
  const rows = new Float64Array(size * size);
  for (let i = 0; i < size; i++) rows[i * size + i] = 1;
  for (let low = 0; low < size; low++)
    for (let step = 0; ; step++) {
      const high = blockEnd(d, e, low);
      if (high === low) break;
      if (step === MOST_STEPS) throw new SaccadeError("not_converged", "eigenvalues were not found");
      qlStep(d, e, rows, size, low, high);
    }
  const order = Int32Array.from(d, (_, i) => i).sort((a, b) => d[b]! - d[a]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => {
    vectors.set(rows.subarray(from * size, (from + 1) * size), to * size);
  });
  return { values: Float64Array.from(order, (i) => d[i]!), vectors };
}

/** The last row of the block that begins at `low`: entries beside the diagonal that are rounding part blocks. */
function blockEnd(d: Float64Array, e: Float64Array, low: number): number {
  let high = low;
  while (high < d.length - 1 && Math.abs(e[high]!) > Number.EPSILON * (Math.abs(d[high]!) + Math.abs(d[high + 1]!)))
    high += 1;
  return high;
}

function qlStep(d: Float64Array, e: Float64Array, rows: Float64Array, size: number, low: number, high: number): void {
  const ratio = (d[low + 1]! - d[low]!) / (2 * e[low]!);
  const root = Math.hypot(ratio, 1);
  let g = d[high]! - d[low]! + e[low]! / (ratio + (ratio >= 0 ? root : -root));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const length = Math.hypot(f, g);
    e[i + 1] = length;
    if (length === 0) {
      // The block fell apart: what is left is done in further steps.
      d[i + 1]! -= shift;
      e[high] = 0;
      return;
    }
    sine = f / length;
    cosine = g / length;
    g = d[i + 1]! - shift;
    const r = (d[i]! - g) * sine + 2 * cosine * b;
    shift = sine * r;
    d[i + 1] = g + shift;
    g = cosine * r - b;
    rotateRows(rows, size, i, sine, cosine);
  }
  d[low]! -= shift;
  e[low] = g;
  e[high] = 0;
}

/** Rows i and i + 1 turned by an angle. */
function rotateRows(rows: Float64Array, size: number, i: number, sine: number, cosine: number): void {
  const upper = i * size;
  const lower = upper + size;
  for (let k = 0; k < size; k++) {
    const a = rows[upper + k]!;
    const b = rows[lower + k]!;
    rows[lower + k] = sine * a + cosine * b;
    rows[upper + k] = cosine * a - sine * b;
  }
}
