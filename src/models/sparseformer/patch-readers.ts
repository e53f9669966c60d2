// Reading patches of 15 x 15 pixels out of pictures, and the stem's convolution on them. Pixels and planes of floats lie differently in memory,
// so each has its reader; what they have in common is a table of short runs of pixels, from which a patch gathers its rows.
import { add, cast, conv, gather, iota, mul, reshape, sizeValue, slice, sub, values } from "../../graph/build.ts";
import { type Dim, divideDims, multiplyDims } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { levels, type Pixels } from "../pixels.ts";
import { pixelKernel, type StemWeights } from "./stem.ts";

/** Pixels of a patch, along each axis. */
export const SIDE = 15;

/** The patch that begins 5 pixels before 4 i, for a whole number i: rows of runs, and where in them the patch begins. */
export interface Runs {
  /** Pixels of a run. Runs of 4 are a third of the gathering, where the width is a multiple of 4. */
  readonly length: 1 | 4;
  readonly perRow: Dim;
  /** Runs that make a row of a patch, counted from pixel 4 i. */
  readonly offsets: readonly number[];
  /** Pixels of the first run that the patch leaves out. */
  readonly skipped: number;
}

export interface PatchReader {
  readonly batch: Dim;
  readonly height: Dim;
  readonly width: Dim;
  readonly runs: Runs;
  /** Planes of one picture in the table; `height * runs.perRow` runs each. */
  readonly planes: 1 | 3;
  /** Values of a pixel beside each other in a row of a patch. */
  readonly interleaved: 1 | 3;
  /** at int64 (batch, quads, 15, runs): each run's place in the first plane -> patches, normalised so far that the mean is zero. */
  read(at: Tensor): Tensor;
  /** Zeros where `rows` (n, quads, 15) or `columns` (n, quads, 15 or 45) are 0 and not 1: the padding of the convolution. */
  pad(patches: Tensor, rows: Tensor, columns: Tensor): Tensor;
  /** -> (batch * quads, C, 5, 5), biased. */
  convolve(patches: Tensor): Tensor;
}

function runsOf(width: Dim): Runs {
  const quarter = divideDims(width, 4);
  return quarter === undefined
    ? { length: 1, perRow: width, offsets: Array.from({ length: SIDE }, (_, i) => i - 5), skipped: 0 }
    : { length: 4, perRow: quarter, offsets: [-2, -1, 0, 1, 2], skipped: 3 };
}

/** Patches of bytes, (batch, quads, 15, 45): an image of one channel, as the stem reads pixels. */
export function pixelReader(pixels: Pixels, weights: StemWeights): PatchReader {
  const { bytes, height, width, normalization } = pixels;
  const { graph } = bytes;
  const batch = bytes.shape[0]!;
  const runs = runsOf(width);
  const table = reshape(bytes, [multiplyDims(batch, height, runs.perRow), 3 * runs.length]);
  const kernel = pixelKernel(weights, pixels);
  const level = values(graph, [3 * SIDE], Array.from({ length: SIDE }, () => levels(normalization)).flat());
  return {
    batch,
    height,
    width,
    runs,
    planes: 1,
    interleaved: 3,
    read(at) {
      const [, quads, , count] = at.shape as [Dim, number, number, number];
      const rows = reshape(gather(table, at, 0), [batch, quads, SIDE, 3 * runs.length * count]);
      return sub(cast(windowOf(rows, 3 * runs.skipped, 3 * SIDE), "float32"), level);
    },
    pad(patches, rows, columns) {
      const [n, quads] = rows.shape as [Dim, number];
      const masked = mul(patches, reshape(rows, [n, quads, SIDE, 1]));
      return mul(masked, reshape(columns, [n, quads, 1, 3 * SIDE]));
    },
    convolve(patches) {
      const single = reshape(patches, [multiplyDims(batch, patches.shape[1]!), 1, SIDE, 3 * SIDE]);
      return conv(single, kernel, weights.bias, { strides: [2, 6] });
    },
  };
}

/** Patches of a normalised image (batch, 3, H, W): (batch, quads, 3, 15, 15), planes beside each other. */
export function planeReader(image: Tensor, weights: StemWeights): PatchReader {
  const { graph } = image;
  const [batch, , height, width] = image.shape as [Dim, number, Dim, Dim];
  const runs = runsOf(width);
  const table = reshape(image, [multiplyDims(batch, 3, height, runs.perRow), runs.length]);
  const plane = sizeValue(graph, multiplyDims(height, runs.perRow));
  const planeStarts = reshape(mul(iota(graph, 3, "int64"), plane), [3, 1, 1]);
  return {
    batch,
    height,
    width,
    runs,
    planes: 3,
    interleaved: 1,
    read(at) {
      const [n, quads, , count] = at.shape as [Dim, number, number, number];
      const places = add(reshape(at, [n, quads, 1, SIDE, count]), planeStarts); // (batch, quads, 3, 15, runs)
      const rows = reshape(gather(table, places, 0), [batch, quads, 3, SIDE, runs.length * count]);
      return windowOf(rows, runs.skipped, SIDE);
    },
    pad(patches, rows, columns) {
      const [n, quads] = rows.shape as [Dim, number];
      const mask = mul(reshape(rows, [n, quads, SIDE, 1]), reshape(columns, [n, quads, 1, SIDE]));
      // One mask for three planes, and long rows: short ones are slow to broadcast along.
      const planes = reshape(patches, [batch, quads, 3, SIDE * SIDE]);
      return mul(planes, reshape(mask, [n, quads, 1, SIDE * SIDE]));
    },
    convolve(patches) {
      const images = reshape(patches, [multiplyDims(batch, patches.shape[1]!), 3, SIDE, SIDE]);
      return conv(images, weights.weight, weights.bias, { strides: [2, 2] });
    },
  };
}

/** `length` values of the last axis. */
function windowOf(rows: Tensor, start: number, length: number): Tensor {
  return rows.shape.at(-1) === length ? rows : slice(rows, rows.shape.length - 1, start, start + length);
}
