// The stem's convolution laid out for engines that multiply bytes (onnx/quantize.ts): pixels stay bytes until it, edges are bytes too, and what
// a kernel's row reads lies together. Two pixels are a cell of six bytes; beside each cell comes its right neighbour, so that 7 x 7 pixels are
// 7 x 2 places of twelve bytes, whose first pixel has no weight. The numbers are those of stem.ts, but for edges, whose bytes are whole numbers
// near the mean.
import { cast, concat, conv, expand, mul, pad, reshape, slice, sub, transpose, values } from "../../graph/build.ts";
import { addDims, type Dim, divideDims } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { gains, levels, type Pixels } from "../pixels.ts";
import type { StemWeights } from "./stem.ts";

/** Values of two pixels. */
const CELL = 6;

/** Whether a picture's rows are known to be pairs of pixels. */
export function convolvesBytes({ width }: Pixels): boolean {
  return divideDims(width, 2) !== undefined;
}

/** pixels -> (N, C, H / 2, W / 2) */
export function convolveBytes(pixels: Pixels, weights: StemWeights): Tensor {
  const { bytes, normalization } = pixels;
  const places = transpose(besideNeighbours(framed(pixels)), [0, 3, 1, 2]); // (N, 12, H + 6, W / 2 + 2)
  const level = levels(normalization);
  const centre = values(bytes.graph, [2 * CELL, 1, 1], [...level, ...level, ...level, ...level]);
  const kernel = byteKernel(weights, pixels);
  return conv(sub(cast(places, "float32"), centre), kernel, weights.bias, { strides: [2, 1], dilations: [1, 2] });
}

/** Cells with the picture's mean as a frame, three pixels high and four and two wide: (N, H + 6, W / 2 + 3, 6). */
function framed({ bytes, height, width, normalization }: Pixels): Tensor {
  const { graph } = bytes;
  const batch = bytes.shape[0]!;
  const across = divideDims(width, 2)!;
  const mean = levels(normalization).map(Math.round);
  const edge = (rows: Dim, cells: Dim) =>
    expand(cast(values(graph, [1, 1, 1, CELL], [...mean, ...mean]), "uint8"), [batch, rows, cells, CELL]);
  const middle = concat([edge(height, 2), reshape(bytes, [batch, height, across, CELL]), edge(height, 1)], 2);
  const high = edge(3, addDims(across, 3));
  return concat([high, middle, high], 1);
}

/** (N, rows, cells, 6) -> (N, rows, cells - 1, 12) */
function besideNeighbours(cells: Tensor): Tensor {
  return concat([slice(cells, 2, 0, -1), slice(cells, 2, 1)], 3);
}

/** The convolution's weight for centred bytes: (C, 12, 7, 2). Place x holds pixels 2 x to 2 x + 3, and the one beside the last is four further. */
function byteKernel({ weight }: StemWeights, { normalization }: Pixels): Tensor {
  const channels = weight.shape[0]!;
  const scaled = mul(transpose(weight, [0, 2, 3, 1]), values(weight.graph, [3], gains(normalization))); // (C, 7, 7, 3)
  const wide = pad(scaled, [0, 0, 1, 0], [0, 0, 0, 0]); // (C, 7, 8, 3)
  return transpose(reshape(wide, [channels, 7, 2, 2 * CELL]), [0, 3, 1, 2]);
}
