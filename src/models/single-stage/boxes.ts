// From what a head says of a place to a box in pixels, and which boxes are laid out. Reproduces open-mmlab/mmdetection, mmdet/core/anchor/anchor_generator.py and
// mmdet/core/bbox/coder/delta_xywh_bbox_coder.py (AnchorGenerator, DeltaXYWHBBoxCoder), and fcos_head.py.
import { add, concat, exp, maximum, minimum, mul, slice, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import type { Extent } from "../image-size.ts";
import type { Level, SingleStageConfig } from "./config.ts";
import { axisOf } from "./places.ts";

/**
 * The starting places of a level's rows, (rows, 4): x, y, width and height in pixels. RetinaHead: centre and size of the box laid out. FCOSHead: the point, and
 * the stride twice.
 */
export function placesOf(level: Level, { head: { type, anchor_generator } }: SingleStageConfig): TensorData {
  const { stride, height, width } = level;
  if (type === "FCOSHead") return laidOut(axisOf(level, 0), axisOf(level, 1), [[stride, stride]]);
  const { octave_base_scale, scales_per_octave, ratios } = anchor_generator;
  const sizes = ratios.flatMap((ratio) =>
    Array.from({ length: scales_per_octave }, (_, i) => {
      const side = stride * octave_base_scale * 2 ** (i / scales_per_octave);
      return [side / Math.sqrt(ratio), side * Math.sqrt(ratio)] as const;
    }),
  );
  // Laid out around corners of cells, not around their middles.
  const corners = (cells: number) => Array.from({ length: cells }, (_, i) => i * stride);
  return laidOut(corners(width), corners(height), sizes);
}

/** Boxes of all sizes at every place, row by row: hundreds of thousands of numbers for large pictures. */
function laidOut(
  xs: readonly number[],
  ys: readonly number[],
  sizes: readonly (readonly [wide: number, tall: number])[],
): TensorData {
  const rows = ys.length * xs.length * sizes.length;
  const places = new Float32Array(rows * 4);
  let at = 0;
  for (const y of ys)
    for (const x of xs)
      for (const [wide, tall] of sizes) {
        places[at++] = x;
        places[at++] = y;
        places[at++] = wide;
        places[at++] = tall;
      }
  return tensor("float32", [rows, 4], places);
}

/** No box is larger than the one laid out by more than that factor. */
const MOST_GROWTH = 1000 / 16;

/** places (…, rows, 4) as `placesOf`, regression (N, rows, 4) -> corners (N, rows, 4) in pixels, x0, y0, x1, y1, which may be beyond the picture. */
export function cornersOf(places: Tensor, regression: Tensor, type: SingleStageConfig["head"]["type"]): Tensor {
  const [px, py, pw, ph] = quarters(places);
  const [a, b, c, d] = quarters(regression);
  if (type === "FCOSHead") return concat([sub(px, a), sub(py, b), add(px, c), add(py, d)], -1);
  const most = Math.log(MOST_GROWTH);
  const side = (base: Tensor, delta: Tensor) => mul(base, exp(minimum(maximum(delta, -most), most)));
  const [cx, cy] = [add(px, mul(a, pw)), add(py, mul(b, ph))];
  const [halfWidth, halfHeight] = [mul(side(pw, c), 0.5), mul(side(ph, d), 0.5)];
  return concat([sub(cx, halfWidth), sub(cy, halfHeight), add(cx, halfWidth), add(cy, halfHeight)], -1);
}

/** Corners in pixels -> the part of each box that is in the picture: centre and size, relative to the picture. */
export function relativeBoxes(corners: Tensor, { height, width }: Extent): Tensor {
  const inside = (x: Tensor, size: number) => mul(minimum(maximum(x, 0), size), 1 / size);
  const [x0, y0, x1, y1] = quarters(corners);
  const [left, top, right, bottom] = [inside(x0, width), inside(y0, height), inside(x1, width), inside(y1, height)];
  return concat([mul(add(left, right), 0.5), mul(add(top, bottom), 0.5), sub(right, left), sub(bottom, top)], -1);
}

/** (…, 4) -> four times (…, 1). */
export function quarters(x: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  const part = (i: number) => slice(x, -1, i, i + 1);
  return [part(0), part(1), part(2), part(3)];
}
