// The scattering transform (Mallat 2012; Bruna and Mallat 2013): averages of a picture, of how strongly wavelets of all angles and octaves answer to it, and of how strongly they answer
// to those answers. Stable against shifts and small deformations, and nothing in it is learned. Reproduces kymatio/kymatio (BSD-3-Clause),
// kymatio/scattering2d/core/scattering2d.py; the head is that of examples/2d/cifar_torch.py.
import { add, concat, gather, mul, reshape, slice, sub, wholes } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { ScatteringConfig } from "./config.ts";
import { filterBank, type StoredFilter } from "./filter-bank.ts";
import { halfColumns, type Spectrum } from "./fourier.ts";
import { extract, type Frame, type Way } from "./frame.ts";
import { outputSize, paddedSize } from "./geometry.ts";

/** image (N, in_channels, height, width) -> the coefficients one after another as `features`, and `logits`: the head's, or the same. */
export function scattering(
  scope: Scope,
  image: Tensor,
  config: ScatteringConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const [batch, channels, ...size] = image.shape as [Tensor["shape"][number], number, number, number];
  const signals = reshape(image, [-1, 1, ...size]); // each channel by itself
  const coefficients = scope.run(() => extract(signals, scatteringFrame(scope, config)));
  const { height, width } = outputSize(config);
  const maps = channels * (coefficients.shape[1] as number);
  const map = reshape(coefficients, [batch, maps, height, width]);
  scope.layer("Sx", map);
  const flat = (x: Tensor) => reshape(x, [batch, maps * height * width]);
  const features = flat(map);
  if (config.num_classes === 0) return { logits: features, features };
  const normalised = batchNorm(scope.at("bn"), map, mode);
  return { logits: torchLinear(scope.at("classifier"), flat(normalised), config.num_classes), features };
}

/** kymatio's transform: atoms of an octave are sub-sampled by its size, and those of a greater octave follow it. */
export function scatteringFrame(scope: Scope, config: ScatteringConfig): Frame {
  const { J, max_order } = config;
  const { lowPasses, octaves } = declaredFilters(scope, config);
  return {
    grid: paddedSize(config),
    nonLinearity: config.non_linearity,
    pooling: config.pooling,
    outputStride: 2 ** J,
    outputCrop: 1,
    lowPass: (way) => ({ re: lowPasses[resolutionOf(way)]! }),
    atoms(way) {
      if (way.atoms.length === max_order) return [];
      const first = nextOctave(way);
      return octaves.slice(first).map((octave, i) => {
        const [even, odd] = octave[resolutionOf(way)]!;
        return { real: even, imaginary: odd, factor: 2 ** (first + i) / way.stride };
      });
    },
  };
}

const resolutionOf = ({ stride }: Way) => Math.log2(stride);

/** Places in the lists so far count on from the octave before. */
function nextOctave({ atoms }: Way): number {
  return atoms.reduce((octave, place) => octave + place + 1, 0);
}

/** The filters as buffers under the official names: low-passes by resolution, and by octave and resolution the wavelets of all angles. */
function declaredFilters(scope: Scope, config: ScatteringConfig) {
  const { lowPasses, wavelets } = filterBank(config);
  const declare = ({ name, shape, initializer }: StoredFilter) => scope.buffer(name, shape, initializer);
  const octaves = wavelets.map((angles) => {
    const declared = angles.map((resolutions) => resolutions.map(declare));
    return declared[0]!.map((_, resolution) => evenAndOdd(declared.map((filters) => filters[resolution]!)));
  });
  return { lowPasses: lowPasses.map((filter) => evenAndOdd([declare(filter)])[0].re!), octaves };
}

/**
 * Real spectra (height, width, 1) of complex filters -> those of their real and of their imaginary parts, (filters, height, columns). A filter whose spectrum is even is
 * real; one whose spectrum is odd is imaginary.
 */
function evenAndOdd(filters: readonly Tensor[]): [even: Spectrum, odd: Spectrum] {
  const [height, width] = filters[0]!.shape as [number, number, number];
  const all = concat(
    filters.map((filter) => reshape(filter, [1, height, width])),
    0,
  );
  const opposite = (size: number) => Array.from({ length: size }, (_, k) => (size - k) % size);
  const { graph } = all;
  const turned = gather(gather(all, wholes(graph, opposite(height)), 1), wholes(graph, opposite(width)), 2);
  const half = (x: Tensor) => slice(x, 2, 0, halfColumns(width));
  return [{ re: half(mul(add(all, turned), 0.5)) }, { im: half(mul(sub(turned, all), 0.5)) }];
}
