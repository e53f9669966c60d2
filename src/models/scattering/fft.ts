// The discrete Fourier transform of numbers, for filters; graphs have fourier.ts.
import type { Grid } from "./geometry.ts";

/** Complex numbers on a grid, row by row. */
export interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export function zeros(count: number): Complex {
  return { re: new Float64Array(count), im: new Float64Array(count) };
}

/** Values on a grid -> their spectrum: sums of value e^(-2 pi i (k row / height + l column / width)), not normalised. */
export function fft2(values: Complex, { height, width }: Grid): Complex {
  const out = { re: values.re.slice(), im: values.im.slice() };
  const [across, down] = [turns(width), turns(height)];
  for (let row = 0; row < height; row++) transformLine(out, row * width, 1, across);
  for (let column = 0; column < width; column++) transformLine(out, column, width, down);
  return out;
}

/** The parts of a full turn. */
function turns(count: number): Complex {
  const angles = Float64Array.from({ length: count }, (_, i) => (2 * Math.PI * i) / count);
  return { re: angles.map(Math.cos), im: angles.map(Math.sin) };
}

/** Replaces the values start, start + step, … by their spectrum. */
function transformLine({ re, im }: Complex, start: number, step: number, full: Complex): void {
  const count = full.re.length;
  const line = zeros(count);
  for (let i = 0, at = start; i < count; i++, at += step) {
    line.re[i] = re[at]!;
    line.im[i] = im[at]!;
  }
  const spectrum = fft(line, full);
  for (let i = 0, at = start; i < count; i++, at += step) {
    re[at] = spectrum.re[i]!;
    im[at] = spectrum.im[i]!;
  }
}

/** Halved as long as it can be (Cooley and Tukey 1965), then as it is defined. `full`: the turns of a whole line. */
function fft(line: Complex, full: Complex): Complex {
  const count = line.re.length;
  if (count % 2 === 1) return dft(line, full);
  const half = count / 2;
  const [even, odd] = [fft(everySecond(line, 0), full), fft(everySecond(line, 1), full)];
  const out = zeros(count);
  const stride = full.re.length / count;
  for (let k = 0; k < half; k++) {
    const [cos, sin] = [full.re[k * stride]!, full.im[k * stride]!];
    const re = odd.re[k]! * cos + odd.im[k]! * sin;
    const im = odd.im[k]! * cos - odd.re[k]! * sin;
    out.re[k] = even.re[k]! + re;
    out.im[k] = even.im[k]! + im;
    out.re[k + half] = even.re[k]! - re;
    out.im[k + half] = even.im[k]! - im;
  }
  return out;
}

function everySecond({ re, im }: Complex, first: number): Complex {
  const half = zeros(re.length / 2);
  for (let i = 0, at = first; i < half.re.length; i++, at += 2) {
    half.re[i] = re[at]!;
    half.im[i] = im[at]!;
  }
  return half;
}

function dft({ re, im }: Complex, full: Complex): Complex {
  const count = re.length;
  const stride = full.re.length / count;
  const out = zeros(count);
  for (let k = 0; k < count; k++)
    for (let i = 0, turn = 0; i < count; i++, turn = (turn + k) % count) {
      const [cos, sin] = [full.re[turn * stride]!, full.im[turn * stride]!];
      out.re[k]! += re[i]! * cos + im[i]! * sin;
      out.im[k]! += im[i]! * cos - re[i]! * sin;
    }
  return out;
}
