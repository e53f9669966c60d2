// Kernels of convolution and pooling over (N, C, …). One or two spatial dimensions are computed as three, with leading ones.
import type { SpatialOps } from "../ops.ts";
import { floats, type Kernels, type Value } from "./value.ts";

type Triple = readonly [number, number, number];

/** Three values, the given ones last. */
function three(list: readonly number[], fill: number): Triple {
  return [...new Array<number>(3 - list.length).fill(fill), ...list] as unknown as Triple;
}

interface Window {
  readonly kernel: Triple;
  readonly strides: Triple;
  readonly padsBefore: Triple;
  readonly dilations: Triple;
}

function windowOf(attributes: {
  kernel: readonly number[];
  strides: readonly number[];
  padsBefore: readonly number[];
  dilations?: readonly number[];
}): Window {
  return {
    kernel: three(attributes.kernel, 1),
    strides: three(attributes.strides, 1),
    padsBefore: three(attributes.padsBefore, 0),
    dilations: three(attributes.dilations ?? [], 1),
  };
}

/**
 * Calls back for every pair of a window position and a cell under it, over one channel: `small` indexes the grid of windows, `large` the
 * padded map (cells in the padding are left out), `tap` the kernel. Convolution, its adjoint and pooling all walk these pairs.
 */
function eachTap(
  small: Triple,
  large: Triple,
  { kernel, strides, padsBefore, dilations }: Window,
  visit: (smallAt: number, largeAt: number, tap: number) => void,
): void {
  let tap = 0;
  for (let kz = 0; kz < kernel[0]; kz++)
    for (let ky = 0; ky < kernel[1]; ky++)
      for (let kx = 0; kx < kernel[2]; kx++, tap++)
        for (let oz = 0; oz < small[0]; oz++) {
          const z = oz * strides[0] - padsBefore[0] + kz * dilations[0];
          if (z < 0 || z >= large[0]) continue;
          for (let oy = 0; oy < small[1]; oy++) {
            const y = oy * strides[1] - padsBefore[1] + ky * dilations[1];
            if (y < 0 || y >= large[1]) continue;
            for (let ox = 0; ox < small[2]; ox++) {
              const x = ox * strides[2] - padsBefore[2] + kx * dilations[2];
              if (x < 0 || x >= large[2]) continue;
              visit((oz * small[1] + oy) * small[2] + ox, (z * large[1] + y) * large[2] + x, tap);
            }
          }
        }
}

/** The pairs of eachTap, listed once and reused for every channel. */
function tapsOf(small: Triple, large: Triple, window: Window): { smallAt: number[]; largeAt: number[]; tap: number[] } {
  const taps = { smallAt: [] as number[], largeAt: [] as number[], tap: [] as number[] };
  eachTap(small, large, window, (smallAt, largeAt, tap) => {
    taps.smallAt.push(smallAt);
    taps.largeAt.push(largeAt);
    taps.tap.push(tap);
  });
  return taps;
}

const volume = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);

function windowCount(
  x: Value,
  attributes: { strides: readonly number[]; padsBefore: readonly number[]; padsAfter: readonly number[] },
  reach: readonly number[],
): number[] {
  return x.shape
    .slice(2)
    .map(
      (size, i) =>
        Math.floor((size + attributes.padsBefore[i]! + attributes.padsAfter[i]! - reach[i]!) / attributes.strides[i]!) +
        1,
    );
}

const reachOf = (kernel: readonly number[], dilations: readonly number[]) =>
  kernel.map((k, i) => dilations[i]! * (k - 1) + 1);

/** out (batch, channels, spatial), started with the bias. */
function biased(batch: number, channels: number, cells: number, bias: Value | undefined): Float64Array {
  const out = new Float64Array(batch * channels * cells);
  if (bias === undefined) return out;
  return out.map((_, i) => floats(bias)[Math.floor(i / cells) % channels]!);
}

function convolve(inputs: readonly Value[], attributes: SpatialOps["conv"]): Value {
  const [x, weight, bias] = inputs as [Value, Value, Value | undefined];
  const [batch, channels] = x.shape as [number, number];
  const [outputs, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const { groups, dilations } = attributes;
  const spatial = windowCount(x, attributes, reachOf(kernel, dilations));
  const { smallAt, largeAt, tap } = tapsOf(
    three(spatial, 1),
    three(x.shape.slice(2), 1),
    windowOf({ ...attributes, kernel }),
  );
  const source = floats(x);
  const w = floats(weight);
  const cells = volume(spatial);
  const inCells = volume(x.shape.slice(2));
  const taps = volume(kernel);
  const out = biased(batch, outputs, cells, bias);
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++) {
      const group = Math.floor(o / (outputs / groups));
      const outStart = (n * outputs + o) * cells;
      for (let c = 0; c < perGroup; c++) {
        const inStart = (n * channels + group * perGroup + c) * inCells;
        const wStart = (o * perGroup + c) * taps;
        for (let i = 0; i < tap.length; i++)
          out[outStart + smallAt[i]!]! += source[inStart + largeAt[i]!]! * w[wStart + tap[i]!]!;
      }
    }
  return { dtype: x.dtype, shape: [batch, outputs, ...spatial], data: out };
}

function convolveTransposed(inputs: readonly Value[], attributes: SpatialOps["convTranspose"]): Value {
  const [x, weight, bias] = inputs as [Value, Value, Value | undefined];
  const [batch, channels, ...small] = x.shape as [number, number, ...number[]];
  const [, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const { groups, strides, dilations, outputPadding, padsBefore, padsAfter } = attributes;
  const outputs = perGroup * groups;
  const spatial = reachOf(kernel, dilations).map(
    (reach, i) => (small[i]! - 1) * strides[i]! + reach + outputPadding[i]! - padsBefore[i]! - padsAfter[i]!,
  );
  const { smallAt, largeAt, tap } = tapsOf(three(small, 1), three(spatial, 1), windowOf({ ...attributes, kernel }));
  const source = floats(x);
  const w = floats(weight);
  const cells = volume(spatial);
  const inCells = volume(small);
  const taps = volume(kernel);
  const out = biased(batch, outputs, cells, bias);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++) {
      const group = Math.floor(c / (channels / groups));
      const inStart = (n * channels + c) * inCells;
      for (let o = 0; o < perGroup; o++) {
        const outStart = (n * outputs + group * perGroup + o) * cells;
        const wStart = (c * perGroup + o) * taps;
        for (let i = 0; i < tap.length; i++)
          out[outStart + largeAt[i]!]! += source[inStart + smallAt[i]!]! * w[wStart + tap[i]!]!;
      }
    }
  return { dtype: x.dtype, shape: [batch, outputs, ...spatial], data: out };
}

export const convolutionKernels: Kernels<"conv" | "convTranspose" | "maxPool" | "averagePool"> = {
  conv: convolve,
  convTranspose: convolveTransposed,
  maxPool: ([x], attributes) => {
    const { spatial, maps, cells, inCells, smallAt, largeAt } = pooling(x!, attributes);
    const source = floats(x!);
    const out = new Float64Array(maps * cells).fill(Number.NEGATIVE_INFINITY);
    for (let map = 0; map < maps; map++)
      for (let i = 0; i < smallAt.length; i++) {
        const at = map * cells + smallAt[i]!;
        out[at] = Math.max(out[at]!, source[map * inCells + largeAt[i]!]!);
      }
    return { dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...spatial], data: out };
  },
  averagePool: ([x], attributes) => {
    const { spatial, maps, cells, inCells, smallAt, largeAt } = pooling(x!, attributes);
    const source = floats(x!);
    const covered = new Float64Array(cells);
    for (const at of smallAt) covered[at]! += 1;
    if (attributes.countIncludesPadding) covered.fill(volume(attributes.kernel));
    const out = new Float64Array(maps * cells);
    for (let map = 0; map < maps; map++) {
      for (let i = 0; i < smallAt.length; i++) out[map * cells + smallAt[i]!]! += source[map * inCells + largeAt[i]!]!;
      for (let cell = 0; cell < cells; cell++) out[map * cells + cell]! /= covered[cell]!;
    }
    return { dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...spatial], data: out };
  },
};

function pooling(x: Value, attributes: SpatialOps["maxPool"]) {
  const spatial = windowCount(x, attributes, attributes.kernel);
  const taps = tapsOf(three(spatial, 1), three(x.shape.slice(2), 1), windowOf(attributes));
  return {
    ...taps,
    spatial,
    maps: x.shape[0]! * x.shape[1]!,
    cells: volume(spatial),
    inCells: volume(x.shape.slice(2)),
  };
}
