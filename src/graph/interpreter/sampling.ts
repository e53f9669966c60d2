// Kernels that read maps between cells: gridSample and resize, as PyTorch has them.
import { elementCount } from "../../tensor.ts";
import type { SpatialOps } from "../ops.ts";
import { cubicShare, resizeTaps, type Taps } from "../resize-taps.ts";
import { aroundAxis, floats, type Kernels, stridesOf, type Value } from "./value.ts";

type Sampling = SpatialOps["gridSample"];

/** The cells that a position along an axis is mixed from, and their shares; a cell outside the map is undefined (its value is zero). */
type Neighbours = readonly { readonly cell: number | undefined; readonly share: number }[];

const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);

/** There and back between the first and last cell's centres, or (corners not aligned) between their outer edges, and then to the centres. */
function reflect(value: number, size: number, { alignCorners }: Sampling): number {
  const least = alignCorners ? 0 : -0.5;
  const span = alignCorners ? size - 1 : size;
  if (span === 0) return 0;
  const along = value - least - 2 * span * Math.floor((value - least) / (2 * span)); // 0 to 2 * span
  return clamp(span - Math.abs(along - span) + least, size);
}

/** A position or a cell as the padding has it: zeros leave it where it is. */
function padded(value: number, size: number, sampling: Sampling): number {
  if (sampling.padding === "zeros") return value;
  return sampling.padding === "border" ? clamp(value, size) : reflect(value, size, sampling);
}

function roundHalfToEven(value: number): number {
  const low = Math.floor(value);
  const part = value - low;
  return part > 0.5 || (part === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

function neighbours(coordinate: number, size: number, sampling: Sampling): Neighbours {
  const { mode, alignCorners } = sampling;
  const free = alignCorners ? ((coordinate + 1) / 2) * (size - 1) : ((coordinate + 1) * size - 1) / 2;
  const inside = (cell: number) => (cell >= 0 && cell < size ? cell : undefined);
  if (mode === "cubic") {
    // The position stays where it is, and the padding is asked for each cell.
    const low = Math.floor(free);
    return [-1, 0, 1, 2].map((offset) => ({
      cell: inside(padded(low + offset, size, sampling)),
      share: cubicShare(Math.abs(free - low - offset)),
    }));
  }
  const position = padded(free, size, sampling);
  if (mode === "nearest") return [{ cell: inside(roundHalfToEven(position)), share: 1 }];
  const low = Math.floor(position);
  return [
    { cell: inside(low), share: low + 1 - position },
    { cell: inside(low + 1), share: position - low },
  ];
}

/** Every cell that a point is mixed from: where it lies in a map, and its share. Cells outside are left out. */
function corners(point: Float64Array, sizes: readonly number[], sampling: Sampling) {
  const strides = stridesOf(sizes);
  let list = [{ at: 0, share: 1 }];
  sizes.forEach((size, axis) => {
    // The grid lists x first, the map lists it last.
    const next = neighbours(point[sizes.length - 1 - axis]!, size, sampling);
    list = list.flatMap(({ at, share }) =>
      next.flatMap((n) => (n.cell === undefined ? [] : [{ at: at + n.cell * strides[axis]!, share: share * n.share }])),
    );
  });
  return list;
}

/** features and grid, as the op takes them. */
export function sampleGrid([features, grid]: readonly Value[], sampling: Sampling): Value {
  const [batch, channels, ...sizes] = features!.shape as [number, number, ...number[]];
  const outSizes = grid!.shape.slice(1, -1);
  const points = elementCount(outSizes);
  const cells = elementCount(sizes);
  const source = floats(features!);
  const positions = floats(grid!);
  const out = new Float64Array(batch * channels * points);
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < points; p++) {
      const start = (n * points + p) * sizes.length;
      for (const { at, share } of corners(positions.subarray(start, start + sizes.length), sizes, sampling))
        for (let c = 0; c < channels; c++)
          out[(n * channels + c) * points + p]! += share * source[(n * channels + c) * cells + at]!;
    }
  return { dtype: features!.dtype, shape: [batch, channels, ...outSizes], data: out };
}

function resizeAxis(x: Value, axis: number, taps: readonly Taps[]): Value {
  const { outer, size, inner } = aroundAxis(x.shape, axis);
  const source = floats(x);
  const out = new Float64Array(outer * taps.length * inner);
  for (let o = 0; o < outer; o++)
    taps.forEach((list, k) => {
      for (const { cell, share } of list)
        for (let i = 0; i < inner; i++)
          out[(o * taps.length + k) * inner + i]! += share * source[(o * size + cell) * inner + i]!;
    });
  return { ...x, shape: x.shape.map((d, i) => (i === axis ? taps.length : d)), data: out };
}

export const samplingKernels: Kernels<"gridSample" | "resize"> = {
  gridSample: sampleGrid,
  resize: ([x], { sizes, mode, alignCorners }, run) =>
    sizes.reduce((value: Value, newSize, i) => {
      const taps = resizeTaps(value.shape[i + 2]!, run.size(newSize), mode, alignCorners);
      return resizeAxis(value, i + 2, taps);
    }, x!),
};
