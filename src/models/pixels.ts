// Pictures as they come from a decoder: bytes, red green blue red green blue, row by row. A graph that takes them normalises them itself, so
// that a quarter of the memory is handed over and nothing is rearranged before the model sees it.
import { add, cast, mul, reshape, transpose, values } from "../graph/build.ts";
import { type Dim, multiplyDims } from "../graph/dimensions.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";

/** One number for each of red, green and blue. */
type Triple = readonly [red: number, green: number, blue: number];

/** What a byte x means to a model: (x / 255 - mean) / std. */
export interface PixelNormalization {
  readonly mean: Triple;
  readonly std: Triple;
}

/** A batch of pictures inside a graph. */
export interface Pixels {
  /** uint8 (batch, height, width / block, 3 * block). */
  readonly bytes: Tensor;
  readonly height: Dim;
  readonly width: Dim;
  readonly normalization: PixelNormalization;
}

/** A batch of pictures as most models take them, float32 (batch, 3, height, width), normalised; or as bytes. */
export type Pictures = Tensor | Pixels;

export interface PixelShape {
  readonly batch: Dim;
  readonly height: Dim;
  /** Pixels; or, with `block`, blocks of pixels. */
  readonly width: Dim;
  /** Pixels that count as one along the width. The same bytes; what their number is a multiple of, the graph can then rely on. Default 1. */
  readonly block?: number;
}

/** Declares the input `image`: uint8 (batch, height, width, 3), or (batch, height, blocks, 3 * block). */
export function pixelInput(graph: Graph, shape: PixelShape, normalization: PixelNormalization): Pixels {
  const { batch, height, width, block = 1 } = shape;
  const bytes = graph.input("image", [batch, height, width, 3 * block], "uint8");
  return { bytes, height, width: multiplyDims(width, block), normalization };
}

/** The bytes that normalise to zero: x - level is what `gains` then scale. */
export function levels({ mean }: PixelNormalization): number[] {
  return mean.map((value) => 255 * value);
}

/** (x - level) * gain = (x / 255 - mean) / std. */
export function gains({ std }: PixelNormalization): number[] {
  return std.map((value) => 1 / (255 * value));
}

/** The pictures as most models take them: float32 (batch, 3, height, width), normalised. */
export function normalizedImage(pixels: Pixels): Tensor {
  const { bytes, height, width } = pixels;
  // Rearranged as bytes, cast after: a quarter of the memory to move.
  return normalizedPlanes(transpose(reshape(bytes, [bytes.shape[0]!, height, width, 3]), [0, 3, 1, 2]), pixels);
}

/** Bytes, or what was made of them by weights that sum to one: (batch, 3, h, w) -> float32, normalised. */
export function normalizedPlanes(planes: Tensor, { normalization }: Pick<Pixels, "normalization">): Tensor {
  const scale = gains(normalization);
  const shift = levels(normalization).map((level, channel) => -level * scale[channel]!);
  const perChannel = (numbers: readonly number[]) => values(planes.graph, [3, 1, 1], numbers);
  return add(mul(cast(planes, "float32"), perChannel(scale)), perChannel(shift));
}
