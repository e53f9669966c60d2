// The extractor of the mathematical theory (Wiatowski and Bölcskei, "A Mathematical Theory of Deep Convolutional Neural Networks for Feature Extraction", IEEE Transactions on
// Information Theory 2018, arXiv 1512.06293): signals go through filters, a non-linearity and a pooling, layer after layer, and what a low-pass leaves of each signal on the
// way is the answer. Any filters will do; nothing is learned. The scattering transform is one of these (model.ts).
import {
  abs,
  add,
  averagePool,
  concat,
  maxPool,
  mul,
  relu,
  reshape,
  sigmoid,
  sqrt,
  sub,
  tanh,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { Fourier, type SignalSpectra, type Spectrum } from "./fourier.ts";
import type { Grid } from "./geometry.ts";

export const NON_LINEARITIES = ["modulus", "relu", "tanh", "sigmoid"] as const;
export type NonLinearity = (typeof NON_LINEARITIES)[number];

export const POOLINGS = ["subsample", "average", "max"] as const;
export type Pooling = (typeof POOLINGS)[number];

/** Filters that the same pooling follows, by their spectra on the grid of the signals that they see. */
export interface Atoms {
  /** Real filters, or the real parts of complex ones. */
  readonly real: Spectrum;
  /** The imaginary parts of the same filters, in space. Absent where they are real. */
  readonly imaginary?: Spectrum;
  /** One value of so many by so many is left. */
  readonly factor: number;
}

/** How far a signal has come. */
export interface Way {
  /** By how much it has been sub-sampled. */
  readonly stride: number;
  /** Which atoms it went through, by their place in the list of each layer. */
  readonly atoms: readonly number[];
}

export interface Frame {
  /** The size that signals are padded to: a multiple of all strides. */
  readonly grid: Grid;
  readonly nonLinearity: NonLinearity;
  readonly pooling: Pooling;
  /** What a signal that has come this way goes through next: nothing in the last layer. */
  atoms(way: Way): readonly Atoms[];
  /** The one filter, real, whose answer to the signal is given out. */
  lowPass(way: Way): Spectrum;
  /** By how much answers are sub-sampled, and how many of their rows and columns are left out at each side. */
  readonly outputStride: number;
  readonly outputCrop: number;
}

/** signals (n, 1, h, w), each by itself -> (n, paths, h / stride - 2 crop, …): the signal's own, then those of the first layer, of the second, …, by atoms in their order. */
export function extract(signals: Tensor, frame: Frame): Tensor {
  return concat(descend(new Fourier(signals.graph), signals, frame, { stride: 1, atoms: [] }), 1);
}

/** signals (n, p, h, w) -> for each layer from theirs on (n p, paths, h, w). */
function descend(fourier: Fourier, signals: Tensor, frame: Frame, way: Way): Tensor[] {
  const { height, width } = frame.grid;
  const spectra = fourier.spectra(signals, { height: height / way.stride, width: width / way.stride });
  const sampling = { stride: frame.outputStride / way.stride, crop: frame.outputCrop };
  const own = fourier.filtered(spectra, frame.lowPass(way), sampling);
  const layers: Tensor[][] = [[own]];
  for (const [i, atoms] of frame.atoms(way).entries()) {
    const answers = respond(fourier, spectra, atoms, frame); // (n p, a, h', w')
    const next = { stride: way.stride * atoms.factor, atoms: [...way.atoms, i] };
    for (const [depth, paths] of descend(fourier, answers, frame, next).entries()) {
      const [count, ...size] = paths.shape.slice(1) as number[];
      const each = reshape(paths, [-1, (answers.shape[1] as number) * count!, ...size]);
      layers[depth + 1] = [...(layers[depth + 1] ?? []), each];
    }
  }
  return layers.map((paths) => concat(paths, 1));
}

function respond(
  fourier: Fourier,
  spectra: SignalSpectra,
  { real, imaginary, factor }: Atoms,
  { nonLinearity, pooling }: Frame,
): Tensor {
  // What is done to each value by itself may as well be done to those alone that are left.
  const sampling = { stride: pooling === "subsample" ? factor : 1, crop: 0 };
  const parts = [real, imaginary].flatMap((part) =>
    part === undefined ? [] : [fourier.filtered(spectra, part, sampling)],
  );
  return POOL[pooling](APPLY[nonLinearity](parts), factor);
}

/** Of the real and, where there is one, the imaginary part. Only the modulus takes them together; for the others they are two real filters. */
const APPLY: Readonly<Record<NonLinearity, (parts: readonly Tensor[]) => Tensor>> = {
  modulus: ([re, im]) => (im === undefined ? abs(re!) : sqrt(add(mul(re!, re!), mul(im, im)))),
  relu: (parts) => relu(concat(parts, 1)),
  tanh: (parts) => tanh(concat(parts, 1)),
  // The theory asks that nothing stays nothing.
  sigmoid: (parts) => sub(sigmoid(concat(parts, 1)), 0.5),
};

const POOL: Readonly<Record<Pooling, (x: Tensor, factor: number) => Tensor>> = {
  subsample: (x) => x,
  average: (x, factor) => (factor === 1 ? x : averagePool(x, [factor, factor], { strides: [factor, factor] })),
  max: (x, factor) => (factor === 1 ? x : maxPool(x, [factor, factor], { strides: [factor, factor] })),
};
