// The nearest pictures of every picture, among all and in its own class, by blocks of a product: all similarities at once would be N x N.
import { checkAborted } from "../data/files.ts";
import type { FeatureMatrix } from "../learn/feature-matrix.ts";
import { meanRow } from "../learn/feature-matrix.ts";
import { type ProductsOf, plainProducts } from "../learn/products.ts";

export interface Neighbourhood {
  readonly k: number;
  /** The nearest others, nearest first; -1 where there are fewer. (rows, k) */
  readonly indices: Int32Array;
  /** Cosines with them. (rows, k) */
  readonly similarities: Float32Array;
  /** Cosine with the `ownRank`-th nearest of the own class, or with the last where there are fewer; NaN where there is no other. (rows) */
  readonly own: Float32Array;
}

export interface NeighbourhoodOptions {
  /** How many neighbours are kept. */
  readonly k: number;
  /** Class of each row; needed for `own`. */
  readonly targets?: Int32Array;
  readonly ownRank?: number;
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Similarities that are held at once: 32 MB of them. */
const BLOCK = 2 ** 22;
const MOST_COLUMNS = 128;

const blockColumns = (rows: number): number => Math.max(1, Math.min(MOST_COLUMNS, Math.floor(BLOCK / rows)));

/** @param features rows of length 1 */
export async function findNeighbours(features: FeatureMatrix, options: NeighbourhoodOptions): Promise<Neighbourhood> {
  const { k, targets, ownRank = 1, products: productsOf = plainProducts, signal, onProgress } = options;
  const { rows, width, data } = features;
  const found = new Nearest(rows, k);
  const inClass = new Nearest(targets === undefined ? 0 : rows, ownRank);
  const products = await productsOf(features, signal);
  try {
    const columns = blockColumns(rows);
    for (let start = 0; start < rows; start += columns) {
      checkAborted(signal, "looking for neighbours");
      const end = Math.min(start + columns, rows);
      const block = transposed(data.subarray(start * width, end * width), width);
      const similarities = await products.times(block, end - start); // (rows, end - start)
      for (let row = start; row < end; row++) {
        for (let other = 0, at = row - start; other < rows; other++, at += end - start) {
          const similarity = similarities[at]!;
          if (other === row) continue;
          found.offer(row, other, similarity);
          if (targets !== undefined && targets[other] === targets[row]) inClass.offer(row, other, similarity);
        }
      }
      onProgress?.(end, rows);
    }
  } finally {
    await products.dispose();
  }
  return { k, indices: found.indices, similarities: found.similarities, own: inClass.last() };
}

/** Cosine of two pictures on average. @param features rows of length 1, at least two */
export function typicalSimilarity(features: FeatureMatrix): number {
  const { rows } = features;
  const square = meanRow(features).reduce((sum, value) => sum + value * value, 0);
  return (rows * square - 1) / (rows - 1);
}

/** Of two rows of length 1. */
export function cosine({ data, width }: FeatureMatrix, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += data[a * width + i]! * data[b * width + i]!;
  return sum;
}

/** The best few of each row. */
class Nearest {
  readonly indices: Int32Array;
  readonly similarities: Float32Array;
  readonly #filled: Int32Array;

  constructor(
    rows: number,
    readonly k: number,
  ) {
    this.indices = new Int32Array(rows * k).fill(-1);
    this.similarities = new Float32Array(rows * k).fill(Number.NaN);
    this.#filled = new Int32Array(rows);
  }

  /** Of equally near ones the first that was offered stays first. */
  offer(row: number, other: number, similarity: number): void {
    const { k, indices, similarities } = this;
    const first = row * k;
    const filled = this.#filled[row]!;
    if (filled === k && !(similarity > similarities[first + k - 1]!)) return;
    let at = first + Math.min(filled, k - 1);
    for (; at > first && similarities[at - 1]! < similarity; at--) {
      similarities[at] = similarities[at - 1]!;
      indices[at] = indices[at - 1]!;
    }
    similarities[at] = similarity;
    indices[at] = other;
    if (filled < k) this.#filled[row] = filled + 1;
  }

  /** The least similar that is kept of each row; NaN where there is none. */
  last(): Float32Array {
    return Float32Array.from(this.#filled, (filled, row) =>
      filled === 0 ? Number.NaN : this.similarities[row * this.k + filled - 1]!,
    );
  }
}

/** (rows, width) to (width, rows), float64. */
function transposed(rows: Float32Array | Float64Array, width: number): Float64Array {
  const count = rows.length / width;
  const out = new Float64Array(rows.length);
  for (let row = 0; row < count; row++) for (let i = 0; i < width; i++) out[i * count + row] = rows[row * width + i]!;
  return out;
}
