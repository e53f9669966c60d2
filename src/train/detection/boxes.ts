// Boxes in the graph: centres and sizes, corners, and how much two of them overlap.
import { add, div, maximum, minimum, mul, relu, reshape, slice, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** The four numbers of boxes, each of the same shape. */
export interface Coordinates {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly width: Tensor;
  readonly height: Tensor;
}

/** boxes (…, 4) of centre x, centre y, width, height -> each (…), or with `axis` (… 1 …) there, for pairing them with others. */
export function coordinatesOf(boxes: Tensor, axis?: number): Coordinates {
  const rest = boxes.shape.slice(0, -1);
  const shape = axis === undefined ? rest : [...rest.slice(0, axis), 1, ...rest.slice(axis)];
  const [x, y, width, height] = [0, 1, 2, 3].map((i) => reshape(slice(boxes, -1, i, i + 1), shape));
  return { x: x!, y: y!, width: width!, height: height! };
}

/** Below this nothing is divided by: where neither box has an area, there is no overlap. */
const SMALLEST = 1e-12;

function cornersOf({ x, y, width, height }: Coordinates) {
  const half = { x: mul(width, 0.5), y: mul(height, 0.5) };
  return { left: sub(x, half.x), top: sub(y, half.y), right: add(x, half.x), bottom: add(y, half.y) };
}

/**
 * Generalised intersection over union (Rezatofighi et al., CVPR 2019), -1 to 1: what two boxes share of what they cover, less the part of the box around both
 * that neither covers. Coordinates broadcast.
 */
export function generalizedOverlap(a: Coordinates, b: Coordinates): Tensor {
  const { intersection, union, hull } = areasOf(a, b);
  return sub(div(intersection, maximum(union, SMALLEST)), div(sub(hull, union), maximum(hull, SMALLEST)));
}

/** Intersection over union, 0 to 1. Coordinates broadcast. */
export function overlap(a: Coordinates, b: Coordinates): Tensor {
  const { intersection, union } = areasOf(a, b);
  return div(intersection, maximum(union, SMALLEST));
}

function areasOf(a: Coordinates, b: Coordinates) {
  const [p, q] = [cornersOf(a), cornersOf(b)];
  const area = (width: Tensor, height: Tensor) => mul(relu(width), relu(height));
  const intersection = area(
    sub(minimum(p.right, q.right), maximum(p.left, q.left)),
    sub(minimum(p.bottom, q.bottom), maximum(p.top, q.top)),
  );
  const union = sub(add(mul(a.width, a.height), mul(b.width, b.height)), intersection);
  const hull = area(
    sub(maximum(p.right, q.right), minimum(p.left, q.left)),
    sub(maximum(p.bottom, q.bottom), minimum(p.top, q.top)),
  );
  return { intersection, union, hull };
}
