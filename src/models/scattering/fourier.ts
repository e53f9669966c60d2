// Convolution of real signals in Fourier space, as products of real matrices alone, so that any engine of ONNX files runs it: the discrete Fourier transform has no operator
// that all of them have, and no complex numbers are needed for it. A real signal's spectrum is known from half of its columns. Padding is folded into the first
// matrices, sub-sampling and cropping into the last ones. Signals are periodic: what leaves on one side comes in on the other.
import { add, concat, matMul, mul, neg, reshape, slice, values } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import type { Grid } from "./geometry.ts";

/** A real filter's spectrum, (filters, height, columns): its real and imaginary part, either of which is absent where it is zero. */
export interface Spectrum {
  readonly re?: Tensor;
  readonly im?: Tensor;
}

/** The spectra of signals, (signals, 1, 2, height * columns): the first half of its columns, real and imaginary. */
export interface SignalSpectra {
  readonly grid: Grid;
  readonly parts: Tensor;
}

/** Which samples of a filtered signal are kept: every `stride`-th one, less the first and last `crop` rows and columns of these. */
export interface Sampling {
  readonly stride: number;
  readonly crop: number;
}

/** Columns of a spectrum that tell the others. */
export const halfColumns = (width: number) => Math.floor(width / 2) + 1;

/** The transforms of one graph. Each matrix is in it once. */
export class Fourier {
  readonly #matrices = new Map<string, Tensor>();

  constructor(readonly graph: Graph) {}

  /**
   * signals (n, p, h, w) -> the spectra of (n p) signals on the grid. Signals that are smaller than the grid are reflected at their sides; where the difference is
   * odd, there is more behind than before.
   */
  spectra(signals: Tensor, grid: Grid): SignalSpectra {
    const [height, width] = signals.shape.slice(2) as [number, number];
    const columns = halfColumns(grid.width);
    const right = this.#matrix(`columns ${width} ${grid.width}`, () => columnTransform(width, grid.width));
    const left = this.#matrix(`rows ${height} ${grid.height}`, () => rowTransform(height, grid.height));
    const rows = matMul(signals, right); // (n, p, h, re | im)
    const parts = matMul(left, reshape(rows, [-1, 2 * height, columns])); // (n p, re of height and im, columns)
    return { grid, parts: reshape(parts, [-1, 1, 2, grid.height * columns]) };
  }

  /** Signals convolved with real filters: (signals, filters, h, w). */
  filtered({ grid, parts }: SignalSpectra, filters: Spectrum, sampling: Sampling): Tensor {
    const { height, width } = grid;
    const columns = halfColumns(width);
    const { stride, crop } = sampling;
    const left = this.#matrix(`rows back ${height} ${stride} ${crop}`, () => rowInverse(height, sampling));
    const right = this.#matrix(`columns back ${width} ${stride} ${crop}`, () => columnInverse(width, sampling));
    const product = productOf(parts, filters); // (signals, filters, 2, height columns)
    const [signals, count] = product.shape as [Dim, number];
    const rows = matMul(left, reshape(product, [signals, count, 2 * height, columns])); // (…, h of re and im in turn, columns)
    return matMul(reshape(rows, [signals, count, samples(height, sampling).length, 2 * columns]), right);
  }

  #matrix(key: string, make: () => Matrix): Tensor {
    const known = this.#matrices.get(key);
    if (known !== undefined) return known;
    const { shape, data } = make();
    // Counting takes a product with a constant for a resizing, which papers do not count. This is the model's work, and the engine reshapes constants when it loads them.
    const matrix = reshape(values(this.graph, [data.length], data), shape);
    this.#matrices.set(key, matrix);
    return matrix;
  }
}

interface Matrix {
  readonly shape: readonly [number, number];
  readonly data: Float64Array;
}

/** (signals, 1, 2, places) times each of (filters, places), complex -> (signals, filters, 2, places) */
function productOf(parts: Tensor, { re, im }: Spectrum): Tensor {
  const real = re === undefined ? undefined : mul(parts, flat(re));
  if (im === undefined) return real!;
  const turned = concat([neg(slice(parts, 2, 1, 2)), slice(parts, 2, 0, 1)], 2); // i times it
  const imaginary = mul(turned, flat(im));
  return real === undefined ? imaginary : add(real, imaginary);
}

/** (filters, height, columns) -> (filters, 1, height * columns) */
function flat(part: Tensor): Tensor {
  const [filters, height, columns] = part.shape as [number, number, number];
  return reshape(part, [filters, 1, height * columns]);
}

/** Where each place of a padded line of `padded` pixels is in its line of `size`: mirrored at both ends, which are not repeated; the odd pixel comes behind. */
export function reflected(size: number, padded: number): number[] {
  const before = Math.floor((padded - size) / 2);
  const period = Math.max(1, 2 * (size - 1));
  return Array.from({ length: padded }, (_, at) => {
    const place = (((at - before) % period) + period) % period;
    return place < size ? place : period - place;
  });
}

function samples(size: number, { stride, crop }: Sampling): number[] {
  const count = Math.ceil(size / stride);
  return Array.from({ length: count - 2 * crop }, (_, i) => (i + crop) * stride);
}

/** (size, [re | im] of halfColumns(padded)): e^(-2 pi i k p / padded) */
function columnTransform(size: number, padded: number): Matrix {
  const columns = halfColumns(padded);
  const out = new Float64Array(size * 2 * columns);
  for (const [p, x] of reflected(size, padded).entries())
    for (let k = 0; k < columns; k++) {
      const { cos, sin } = turn(k * p, padded);
      out[x * 2 * columns + k]! += cos;
      out[x * 2 * columns + columns + k]! -= sin;
    }
  return { shape: [size, 2 * columns], data: out };
}

/** ([re of padded; im], size of re and im in turn) */
function rowTransform(size: number, padded: number): Matrix {
  const out = new Float64Array(2 * padded * 2 * size);
  for (const [p, x] of reflected(size, padded).entries())
    for (let k = 0; k < padded; k++) {
      const { cos, sin } = turn(k * p, padded);
      const re = k * 2 * size + 2 * x;
      const im = (padded + k) * 2 * size + 2 * x;
      out[re]! += cos;
      out[re + 1]! += sin;
      out[im]! -= sin;
      out[im + 1]! += cos;
    }
  return { shape: [2 * padded, 2 * size], data: out };
}

/** (rows kept, of re and im in turn, [re of size; im]): e^(2 pi i k m / size) / size */
function rowInverse(size: number, sampling: Sampling): Matrix {
  const places = samples(size, sampling);
  const out = new Float64Array(2 * places.length * 2 * size);
  for (const [i, m] of places.entries())
    for (let k = 0; k < size; k++) {
      const { cos, sin } = turn(k * m, size);
      const [re, im] = [2 * i * 2 * size, (2 * i + 1) * 2 * size];
      out[re + k] = cos / size;
      out[re + size + k] = -sin / size;
      out[im + k] = sin / size;
      out[im + size + k] = cos / size;
    }
  return { shape: [2 * places.length, 2 * size], data: out };
}

/** ([re | im] of halfColumns(size), columns kept): the columns that are not there are the conjugates of those that are. */
function columnInverse(size: number, sampling: Sampling): Matrix {
  const places = samples(size, sampling);
  const columns = halfColumns(size);
  const out = new Float64Array(2 * columns * places.length);
  for (let k = 0; k < columns; k++) {
    const weight = (k === 0 || 2 * k === size ? 1 : 2) / size;
    for (const [i, n] of places.entries()) {
      const { cos, sin } = turn(k * n, size);
      out[k * places.length + i] = weight * cos;
      out[(columns + k) * places.length + i] = -weight * sin;
    }
  }
  return { shape: [2 * columns, places.length], data: out };
}

function turn(steps: number, size: number): { readonly cos: number; readonly sin: number } {
  const angle = (2 * Math.PI * (steps % size)) / size;
  return { cos: Math.cos(angle), sin: Math.sin(angle) };
}
