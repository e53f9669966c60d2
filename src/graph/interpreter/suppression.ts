// Non-maximum suppression, class by class, as ONNX has it: the first of what overlaps stays.
import type { IndexOps } from "../ops.ts";
import { floats, type Kernels, type Value } from "./value.ts";

/** Intersection over union of boxes (two opposite corners) that begin at `a` and `b`; 0 for boxes without area. */
function overlap(boxes: Float64Array, a: number, b: number): number {
  const low = (at: number, axis: number) => Math.min(boxes[at + axis]!, boxes[at + axis + 2]!);
  const high = (at: number, axis: number) => Math.max(boxes[at + axis]!, boxes[at + axis + 2]!);
  const extent = (at: number, axis: number) => high(at, axis) - low(at, axis);
  const areas = [a, b].map((at) => extent(at, 0) * extent(at, 1)) as [number, number];
  if (areas.includes(0)) return 0;
  const shared = [0, 1].map((axis) => Math.min(high(a, axis), high(b, axis)) - Math.max(low(a, axis), low(b, axis)));
  const intersection = Math.max(shared[0]!, 0) * Math.max(shared[1]!, 0);
  return intersection / (areas[0] + areas[1] - intersection);
}

function suppress([boxes, scores]: readonly Value[], attributes: IndexOps["nonMaxSuppression"]): Value {
  const { iouThreshold, scoreThreshold, limit } = attributes;
  const [batch, classes, count] = scores!.shape as [number, number, number];
  const [corners, values] = [floats(boxes!), floats(scores!)];
  const out = new Uint8Array(batch * classes * count);
  for (let line = 0; line < batch * classes; line++) {
    const box = (index: number) => (Math.floor(line / classes) * count + index) * 4;
    const score = (index: number) => values[line * count + index]!;
    const order = Array.from({ length: count }, (_, index) => index).filter((index) => score(index) > scoreThreshold);
    order.sort((a, b) => score(b) - score(a) || a - b);
    const kept: number[] = [];
    for (const index of order) {
      if (kept.length >= limit) break;
      if (kept.every((other) => overlap(corners, box(index), box(other)) <= iouThreshold)) kept.push(index);
    }
    for (const index of kept) out[line * count + index] = 1;
  }
  return { dtype: "bool", shape: scores!.shape, data: out };
}

export const suppressionKernels: Kernels<"nonMaxSuppression"> = { nonMaxSuppression: suppress };
