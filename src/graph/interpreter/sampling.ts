// Kernels that read maps between cells: gridSample and resize, as PyTorch has them.
import { elementCount } from "../../tensor.ts";
import type { SpatialOps } from "../ops.ts";
import { resizeTaps, type Taps } from "../resize-taps.ts";
import { aroundAxis, floats, type Kernels, stridesOf, type Value } from "./value.ts";

/** The two cells around a position along an axis and their shares; a cell outside the map is undefined (its value is zero). */
type Neighbours = readonly { readonly cell: number | undefined; readonly share: number }[];

/** align_corners = false: -1 and 1 are the outer edges of the first and last cell. */
function neighbours(coordinate: number, size: number, padding: "zeros" | "border"): Neighbours {
  const free = ((coordinate + 1) * size - 1) / 2;
  const position = padding === "border" ? Math.min(Math.max(free, 0), size - 1) : free;
  const low = Math.floor(position);
  const inside = (cell: number) => (cell >= 0 && cell < size ? cell : undefined);
  return [
    { cell: inside(low), share: low + 1 - position },
    { cell: inside(low + 1), share: position - low },
  ];
}

/** Every corner of the cell around a point: where it lies in a map, and its share. Corners outside are left out. */
function corners(point: Float64Array, sizes: readonly number[], padding: "zeros" | "border") {
  const strides = stridesOf(sizes);
  let list = [{ at: 0, share: 1 }];
  sizes.forEach((size, axis) => {
    // The grid lists x first, the map lists it last.
    const next = neighbours(point[sizes.length - 1 - axis]!, size, padding);
    list = list.flatMap(({ at, share }) =>
      next.flatMap((n) => (n.cell === undefined ? [] : [{ at: at + n.cell * strides[axis]!, share: share * n.share }])),
    );
  });
  return list;
}

function sampleGrid([features, grid]: readonly Value[], { padding }: SpatialOps["gridSample"]): Value {
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
      for (const { at, share } of corners(positions.subarray(start, start + sizes.length), sizes, padding))
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
