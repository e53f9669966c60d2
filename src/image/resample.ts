// Resampling exactly as Pillow's Image.resize does on 8-bit RGB (src/libImaging/Resample.c, Geometry.c), because models are trained behind
// it: a filter whose support grows when shrinking, coefficients in 22-bit fixed point, a horizontal pass rounded to 8 bits, then a vertical
// one. Only the rows and columns that the asked-for window of the output needs are computed.
import { LimitError, UsageError } from "../errors.ts";
import { DEFAULT_MAX_PIXELS, type RawImage } from "./raw-image.ts";
import { type AxisWeights, PRECISION_BITS, resampleKernel } from "./resample-kernel.ts";

export const RESAMPLE_FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] as const;
/** Pillow's filters, by Pillow's names. */
export type ResampleFilter = (typeof RESAMPLE_FILTERS)[number];

/** A rectangle in whole output pixels. */
export interface PixelWindow {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface ResampleOptions {
  /** Default "bicubic", as in Pillow. */
  readonly filter?: ResampleFilter;
  /**
   * Pillow's `box`: the source rectangle to scale, in pixels, fractions allowed. Default: the whole picture. It may reach less than a pixel
   * beyond, for pictures that lack a strip at their edge.
   */
  readonly box?: readonly [left: number, top: number, right: number, bottom: number];
  /** Compute only this part of the `width` x `height` output: the same pixels as cropping afterwards, without the work. */
  readonly window?: PixelWindow;
}

interface Kernel {
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const KERNELS: Readonly<Record<Exclude<ResampleFilter, "nearest">, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight(x) {
      const t = Math.abs(x);
      return t >= 1 ? 0 : sinc(t) * (0.54 + 0.46 * Math.cos(t * Math.PI));
    },
  },
  bicubic: {
    support: 2,
    weight(x) {
      const a = -0.5;
      const t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/**
 * The picture at another size, as Pillow's `image.resize((width, height), filter, box)`.
 *
 * @returns `width` x `height` pixels, or the size of `options.window`.
 * @throws UsageError for sizes, boxes and windows that make no sense, LimitError when the output would be larger than 2^28 pixels.
 * @example resample(image, 224, 224, { filter: "bicubic" })
 */
export function resample(image: RawImage, width: number, height: number, options: ResampleOptions = {}): RawImage {
  const filter = options.filter ?? "bicubic";
  const box = options.box ?? [0, 0, image.width, image.height];
  const window = options.window ?? { x: 0, y: 0, width, height };
  checkArguments(image, width, height, box, window);
  // Pillow takes the box as C floats.
  const [left, top, right, bottom] = box.map(Math.fround) as [number, number, number, number];
  const keepsColumns = width === image.width && left === 0 && right === width;
  const keepsRows = height === image.height && top === 0 && bottom === height;
  if (keepsColumns && keepsRows) return copyWindow(image, window);
  if (filter === "nearest") {
    const columns = nearestPositions(image.width, left, right, width, window.x, window.width);
    const rows = nearestPositions(image.height, top, bottom, height, window.y, window.height);
    return gather(image, columns, rows);
  }
  const kernel = KERNELS[filter];
  const vertical = keepsRows
    ? undefined
    : axisWeights(image.height, top, bottom, height, kernel, window.y, window.height);
  const firstRow = vertical === undefined ? window.y : vertical.first[0]!;
  const lastRow = vertical === undefined ? firstRow + window.height : vertical.first.at(-1)! + vertical.count.at(-1)!;
  const rowCount = lastRow - firstRow;
  const rows = keepsColumns
    ? copyWindow(image, { x: window.x, y: firstRow, width: window.width, height: rowCount })
    : resampleKernel().columns(
        image,
        axisWeights(image.width, left, right, width, kernel, window.x, window.width),
        firstRow,
        rowCount,
      );
  return vertical === undefined ? rows : resampleKernel().rows(rows, vertical, firstRow);
}

/**
 * What `resample` does along one axis, as a matrix for engines: (newSize, size), row-major, each row with a sum of 1. The picture at another
 * size is rows x picture x columns^T, apart from the rounding to 8 bits after each pass.
 *
 * @param size above 0, as `newSize`
 */
export function resampleMatrix(size: number, newSize: number, filter: ResampleFilter): Float32Array {
  const matrix = new Float32Array(newSize * size);
  if (filter === "nearest") {
    nearestPositions(size, 0, size, newSize, 0, newSize).forEach((position, i) => {
      matrix[i * size + position] = 1;
    });
    return matrix;
  }
  const { first, count, weights, stride } = axisWeights(size, 0, size, newSize, KERNELS[filter], 0, newSize);
  for (let i = 0; i < newSize; i++)
    for (let j = 0; j < count[i]!; j++)
      matrix[i * size + first[i]! + j] = weights[i * stride + j]! / (1 << PRECISION_BITS);
  return matrix;
}

function checkArguments(
  image: RawImage,
  width: number,
  height: number,
  box: readonly [number, number, number, number],
  window: PixelWindow,
): void {
  const isSize = (value: number) => Number.isSafeInteger(value) && value >= 1;
  if (!isSize(width) || !isSize(height))
    throw new UsageError(
      `a picture cannot be resized to ${width} x ${height}`,
      "width and height are whole, at least 1",
    );
  const [left, top, right, bottom] = box;
  const isNear = left > -1 && top > -1 && right < image.width + 1 && bottom < image.height + 1;
  if (!(isNear && left < right && top < bottom))
    throw new UsageError(
      `the box (${box.join(", ")}) does not lie inside the picture of ${image.width} x ${image.height}`,
      "a box is left, top, right, bottom in pixels",
    );
  const { x, y } = window;
  const isInside = x >= 0 && y >= 0 && x + window.width <= width && y + window.height <= height;
  if (!(Number.isInteger(x) && Number.isInteger(y) && isSize(window.width) && isSize(window.height) && isInside))
    throw new UsageError(
      `the window ${window.width} x ${window.height} at (${x}, ${y}) does not lie inside ${width} x ${height}`,
    );
  if (window.width * window.height > DEFAULT_MAX_PIXELS)
    throw new LimitError("a resized picture", window.width * window.height, DEFAULT_MAX_PIXELS, "pixels");
}

/** precompute_coeffs and normalize_coeffs_8bpc for outputs `start` to `start + length` of `outputSize`. */
function axisWeights(
  inputSize: number,
  from: number,
  to: number,
  outputSize: number,
  kernel: Kernel,
  start: number,
  length: number,
): AxisWeights {
  const scale = Math.fround(to - from) / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = kernel.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const step = 1 / filterScale;
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < length; i++) {
    const center = from + (start + i + 0.5) * scale;
    const low = Math.max(Math.trunc(center - support + 0.5), 0);
    const taps = Math.min(Math.trunc(center + support + 0.5), inputSize) - low;
    let sum = 0;
    for (let j = 0; j < taps; j++) {
      const weight = kernel.weight((j + low - center + 0.5) * step);
      exact[j] = weight;
      sum += weight;
    }
    for (let j = 0; j < taps; j++) {
      const weight = (sum === 0 ? exact[j]! : exact[j]! / sum) * (1 << PRECISION_BITS);
      weights[i * stride + j] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[i] = low;
    count[i] = taps;
  }
  return { first, count, weights, stride };
}

/** ImagingScaleAffine: positions are accumulated, not multiplied, and that decides ties. */
function nearestPositions(
  inputSize: number,
  from: number,
  to: number,
  outputSize: number,
  start: number,
  length: number,
): Int32Array {
  const scale = Math.fround(to - from) / outputSize;
  const positions = new Int32Array(length);
  let position = from + scale * 0.5;
  for (let i = 0; i < start + length; i++) {
    if (i >= start) positions[i - start] = Math.min(Math.trunc(position), inputSize - 1);
    position += scale;
  }
  return positions;
}

function gather(image: RawImage, columns: Int32Array, rows: Int32Array): RawImage {
  const data = new Uint8Array(columns.length * rows.length * 3);
  const source = image.data;
  let out = 0;
  for (const row of rows) {
    const rowStart = row * image.width;
    for (let x = 0; x < columns.length; x++) {
      const at = (rowStart + columns[x]!) * 3;
      data[out] = source[at]!;
      data[out + 1] = source[at + 1]!;
      data[out + 2] = source[at + 2]!;
      out += 3;
    }
  }
  return { width: columns.length, height: rows.length, data };
}

/** The pixels of a window as a new picture. The window must lie inside. */
export function copyWindow(image: RawImage, window: PixelWindow): RawImage {
  const rowBytes = window.width * 3;
  const data = new Uint8Array(rowBytes * window.height);
  for (let y = 0; y < window.height; y++) {
    const from = ((window.y + y) * image.width + window.x) * 3;
    data.set(image.data.subarray(from, from + rowBytes), y * rowBytes);
  }
  return { width: window.width, height: window.height, data };
}
