// The part of every frame that the focus sees: cut out anywhere, at any size, and read at a fixed number of places. Reproduces
// LeapLabTHU/Uni-AdaFocus, archs/uni_adafocus_tsm.py, get_patch_grid_scalexy: bilinear, pixels as areas, zeros outside. A crop lies inside the
// picture; where it is enlarged, its outermost places read up to half a pixel over the edge.
import { add, concat, expand, gridSample, mul, reshape, slice, sub, values } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** In shares of the picture, (clips, 1) each. */
export interface Crop {
  readonly top: Tensor;
  readonly left: Tensor;
  readonly height: Tensor;
  readonly width: Tensor;
}

/** Shares of the picture's height or width. */
export interface CropExtents {
  readonly smallest: number;
  readonly largest: number;
}

/**
 * What a policy's numbers mean.
 *
 * @param action (clips, 4): row and column, 0..1 of the room that the crop has; height and width, 0..1 from the smallest to the largest
 */
export function cropOf(action: Tensor, { smallest, largest }: CropExtents): Crop {
  const column = (i: number) => slice(action, 1, i, i + 1);
  const extent = (i: number) => add(mul(column(i), largest - smallest), smallest);
  const [height, width] = [extent(2), extent(3)];
  const start = (i: number, size: Tensor) => mul(column(i), sub(1, size));
  return { top: start(0, height), left: start(1, width), height, width };
}

/** (clips, 4): x1, y1, x2, y2 in 0..1 of the picture. */
export function cropRegion({ top, left, height, width }: Crop): Tensor {
  return concat([left, top, add(left, width), add(top, height)], 1);
}

/** pictures (clips, channels, height, width), read at size x size places of the crop -> (clips, channels, size, size). */
export function readCrop(pictures: Tensor, { top, left, height, width }: Crop, size: number): Tensor {
  const clips = pictures.shape[0] as Dim;
  // The middles of `size` equal parts of the crop, in -1..1 of the picture.
  const middles = values(
    pictures.graph,
    [1, size],
    Array.from({ length: size }, (_, i) => (i + 0.5) / size),
  );
  const places = (start: Tensor, extent: Tensor) => sub(mul(add(start, mul(extent, middles)), 2), 1); // (clips, size)
  const along = (x: Tensor, shape: readonly Dim[]) => expand(reshape(x, shape), [clips, size, size, 1]);
  const columns = along(places(left, width), [clips, 1, size, 1]);
  const rows = along(places(top, height), [clips, size, 1, 1]);
  return gridSample(pictures, concat([columns, rows], 3), { padding: "zeros" });
}
