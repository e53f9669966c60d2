// The wavelets of the scattering transform as numbers: Morlet filters in J octaves and L angles, and a Gaussian low-pass, as they are in Fourier space, at each of the resolutions
// that they are used at. Reproduces kymatio/kymatio, kymatio/scattering2d/filter_bank.py (Morlet: Bruna and Mallat, "Invariant Scattering Convolution Networks", 2013).
import { type Complex, fft2, zeros } from "./fft.ts";
import type { Grid } from "./geometry.ts";

/** A filter's spectrum, which is real, row by row: height x width numbers. */
export type RealSpectrum = Float64Array;

/** The official code says 3.1415 and not pi, which the filters' size shows. */
const OFFICIAL_PI = 31415e-4;

/** The official code sums Gaussians over this many periods before and behind the first. */
const PERIODS = 2;

/** Below e^-45 nothing reaches a number of single precision. */
const LEAST = 45;
const FARTHEST = Math.sqrt(2 * LEAST);

interface Gaussian {
  /** Deviation along the wave, in pixels. */
  readonly sigma: number;
  /** Direction of the wave, in radians. */
  readonly angle: number;
  /** Its frequency, in radians a pixel. */
  readonly frequency: number;
  /** Deviation along the wave as a share of that across. */
  readonly slant: number;
}

/** The wavelet of octave `j` and angle `theta` of `angles`: a wave under a Gaussian, less as much of the Gaussian as leaves a mean of zero. */
export function morletSpectrum(grid: Grid, j: number, theta: number, angles: number): RealSpectrum {
  const gaussian = {
    sigma: 0.8 * 2 ** j,
    angle: ((Math.floor(angles - angles / 2 - 1) - theta) * Math.PI) / angles,
    frequency: (3 / 4) * (Math.PI / 2 ** j),
    slant: 4 / angles,
  };
  return realSpectrum(grid, gaussian, true);
}

/** The low-pass that averages over 2^J pixels. */
export function lowPassSpectrum(grid: Grid, octaves: number): RealSpectrum {
  return realSpectrum(grid, { sigma: 0.8 * 2 ** (octaves - 1), angle: 0, frequency: 0, slant: 1 }, false);
}

/** What is not real of the spectrum is rounding. */
function realSpectrum(grid: Grid, gaussian: Gaussian, hasMeanZero: boolean): RealSpectrum {
  return fft2(gabor(grid, gaussian, hasMeanZero), grid).re;
}

/** The Gabor filter in space, periodic over the grid: a wave under a Gaussian, less its mean where that is to be zero. */
function gabor({ height, width }: Grid, gaussian: Gaussian, hasMeanZero: boolean): Complex {
  const { sigma, angle, frequency, slant } = gaussian;
  // The official rotation is in single precision.
  const [cos, sin] = [Math.fround(Math.cos(angle)), Math.fround(Math.sin(angle))];
  const scale = 1 / (2 * sigma * sigma);
  const xx = (cos * cos + sin * sin * slant * slant) * scale;
  const xy = cos * sin * (1 - slant * slant) * scale;
  const yy = (sin * sin + cos * cos * slant * slant) * scale;
  const reach = Math.ceil((FARTHEST * sigma) / Math.min(1, slant));
  const [top, bottom] = span(height, reach);
  const [left, right] = span(width, reach);
  const down = waves(top, bottom, frequency * Math.cos(angle));
  const across = waves(left, right, frequency * Math.sin(angle));
  const wave = zeros(height * width);
  const envelope = new Float64Array(height * width);
  for (let x = top; x <= bottom; x++)
    for (let y = left; y <= right; y++) {
      const exponent = xx * x * x + 2 * xy * x * y + yy * y * y;
      if (exponent > LEAST) continue;
      const gauss = Math.exp(-exponent);
      const [i, j] = [x - top, y - left];
      const at = modulo(x, height) * width + modulo(y, width);
      envelope[at]! += gauss;
      wave.re[at]! += gauss * (down.re[i]! * across.re[j]! - down.im[i]! * across.im[j]!);
      wave.im[at]! += gauss * (down.re[i]! * across.im[j]! + down.im[i]! * across.re[j]!);
    }
  const norm = (2 * OFFICIAL_PI * sigma * sigma) / slant;
  const mean = (part: Float64Array) => (hasMeanZero ? total(part) / total(envelope) : 0);
  const [re, im] = [wave.re, wave.im].map((part) => {
    const share = mean(part);
    return part.map((value, at) => (value - share * envelope[at]!) / norm);
  });
  return { re: re!, im: im! };
}

const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);

function span(size: number, reach: number): [first: number, last: number] {
  return [Math.max(-PERIODS * size, -reach), Math.min((PERIODS + 1) * size - 1, reach)];
}

/** e^(i frequency x) for x from first to last. */
function waves(first: number, last: number, frequency: number): Complex {
  const angles = Float64Array.from({ length: last - first + 1 }, (_, i) => frequency * (first + i));
  return { re: angles.map(Math.cos), im: angles.map(Math.sin) };
}

function modulo(value: number, size: number): number {
  return ((value % size) + size) % size;
}

/** The same filter for signals that were sub-sampled `resolution` times by two: what it has at high frequencies is cut off, and the rest is folded. */
export function atResolution(spectrum: RealSpectrum, { height, width }: Grid, resolution: number): RealSpectrum {
  if (resolution === 0) return spectrum;
  const factor = 2 ** resolution;
  const [rows, columns] = [height / factor, width / factor];
  const isCut = (k: number, size: number) => {
    const start = Math.floor(size / (2 * factor));
    return k >= start && k < start + Math.floor(size * (1 - 1 / factor));
  };
  const out = new Float64Array(rows * columns);
  for (let k = 0; k < height; k++) {
    if (isCut(k, height)) continue;
    for (let l = 0; l < width; l++)
      if (!isCut(l, width)) out[(k % rows) * columns + (l % columns)]! += spectrum[k * width + l]!;
  }
  return out;
}
