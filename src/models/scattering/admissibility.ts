// Whether an extractor brings pictures no farther apart than they are (Wiatowski and Bölcskei 2018, Theorem 1 and its condition of admissibility): for each layer, the most that
// its filters and its low-pass together answer with, times what non-linearity and pooling may add to a difference.
import type { Complex } from "./fft.ts";
import type { NonLinearity, Pooling } from "./frame.ts";

/** What a layer may do to the energy of a difference of two signals. */
export interface LayerBounds {
  /** B: the largest share of a frequency's energy that its filters and low-pass answer with, all together (the upper frame bound). */
  readonly bessel: number;
  /** L: by how much the non-linearity may stretch a difference. */
  readonly nonLinearity: number;
  /** R: by how much the pooling may. */
  readonly pooling: number;
}

export interface Admissibility {
  readonly layers: readonly LayerBounds[];
  /** Whether max(B, B L^2 R^2) is at most 1 in every layer: the extractor is then non-expansive. */
  readonly admissible: boolean;
  /** By how much the extractor may stretch a difference of two signals, at most. */
  readonly bound: number;
}

/** Rounding of filters in single precision is no reason to refuse them. */
const ROUNDING = 1e-6;

/** Of layers from the first to the last; the last has a low-pass alone. */
export function admissibility(layers: readonly LayerBounds[]): Admissibility {
  const gain = ({ nonLinearity, pooling }: LayerBounds) => (nonLinearity * pooling) ** 2;
  // What a layer gives out and what it hands on share the energy that its filters answer with.
  const squared = layers.reduceRight((behind, layer) => layer.bessel * Math.max(1, gain(layer) * behind), 1);
  const admissible = layers.every((layer) => layer.bessel * Math.max(1, gain(layer)) <= 1 + ROUNDING);
  return { layers, admissible, bound: Math.sqrt(squared) };
}

/** Of filters that are real in space, by their spectra on the whole grid: max over frequencies of the sum of squares. */
export function besselBound(filters: readonly Complex[]): number {
  const energies = new Float64Array(filters[0]!.re.length);
  for (const { re, im } of filters)
    for (let k = 0; k < energies.length; k++) energies[k]! += re[k]! * re[k]! + im[k]! * im[k]!;
  return energies.reduce((most, energy) => Math.max(most, energy), 0);
}

/** On complex values only the modulus takes both parts together; what the others do to each part they do to the pair. */
const LIPSCHITZ: Readonly<Record<NonLinearity, number>> = { modulus: 1, relu: 1, tanh: 1, sigmoid: 1 / 4 };

/** A mean of n values is nearer to another one by the root of n; values that are left out, or lose against larger ones, come no nearer. */
const STRETCH: Readonly<Record<Pooling, (factor: number) => number>> = {
  subsample: () => 1,
  max: () => 1,
  average: (factor) => 1 / factor,
};

export function layerBounds(bessel: number, nonLinearity: NonLinearity, pooling: Pooling, factor: number): LayerBounds {
  return { bessel, nonLinearity: LIPSCHITZ[nonLinearity], pooling: STRETCH[pooling](factor) };
}
