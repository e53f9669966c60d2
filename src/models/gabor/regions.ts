// Which regions are looked at closely: parts of the picture at several places and in several sizes, of which a gate chooses. The choice is hard; the gate learns as if each region
// counted as much as its score says (the straight-through estimator: Bengio et al. 2013).
import {
  add,
  concat,
  expandDims,
  gather,
  gatherElements,
  gridSample,
  matMul,
  mul,
  reshape,
  sigmoid,
  slice,
  stopGradient,
  sub,
  topK,
  transpose,
  values,
} from "../../graph/build.ts";
import { multiplyDims } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { torchLinear } from "../../nn/linear.ts";

/** x1, y1, x2, y2 in 0..1 of the picture. */
export type Region = readonly [x1: number, y1: number, x2: number, y2: number];

/** For each n, parts of an n-th of the picture's sides, row by row, half overlapping. */
export function proposals(scales: readonly number[]): Region[] {
  return scales.flatMap((scale) => {
    const starts = Array.from({ length: 2 * scale - 1 }, (_, i) => i / (2 * scale));
    return starts.flatMap((y) => starts.map((x): Region => [x, y, x + 1 / scale, y + 1 / scale]));
  });
}

export interface ChosenRegions {
  /** (N, k, 4: x1, y1, x2, y2 in 0..1) */
  readonly boxes: Tensor;
  /** (N, k): 1 each; its gradient is that of the scores between 0 and 1. */
  readonly weights: Tensor;
}

/** map (N, C, h, w) -> the k regions that score highest by what the map says of them, the highest first. */
export function chooseRegions(scope: Scope, map: Tensor, regions: readonly Region[], k: number): ChosenRegions {
  const [batch, channels, height, width] = map.shape as [Tensor["shape"][number], number, number, number];
  const cells = transpose(reshape(map, [batch, channels, height * width]), [0, 2, 1]); // (N, cells, C)
  const shares = values(map.graph, [regions.length, height * width], cellShares(regions, height, width));
  const scores = reshape(torchLinear(scope, matMul(shares, cells), 1), [batch, regions.length]); // (N, regions)
  const places = topK(stopGradient(scores), k); // (N, k)
  const soft = sigmoid(gatherElements(scores, places, 1));
  const boxes = gather(values(map.graph, [regions.length, 4], regions.flat()), places, 0);
  return { boxes, weights: add(soft, stopGradient(sub(1, soft))) };
}

/** How much of each region lies in each cell of a map: rows sum to 1. */
function cellShares(regions: readonly Region[], height: number, width: number): number[] {
  const overlap = (low: number, high: number, cell: number, cells: number) =>
    Math.max(0, Math.min(high, (cell + 1) / cells) - Math.max(low, cell / cells)) / (high - low);
  return regions.flatMap(([x1, y1, x2, y2]) =>
    Array.from({ length: height * width }, (_, at) => {
      const rows = overlap(y1, y2, Math.floor(at / width), height);
      return rows * overlap(x1, x2, at % width, width);
    }),
  );
}

/** image (N, 1, H, W), boxes (N, k, 4) -> (N k, 1, size, size): each region enlarged, or shrunk, bilinearly. */
export function enlarged(image: Tensor, boxes: Tensor, size: number): Tensor {
  const [batch, k] = boxes.shape as [Tensor["shape"][number], number];
  const centres = Array.from({ length: size }, (_, i) => (i + 0.5) / size);
  const line = (low: Tensor, high: Tensor, shape: readonly number[]) => {
    const span = sub(high, low);
    const place = add(mul(span, values(image.graph, shape, centres)), low); // 0..1 of the picture
    return sub(mul(place, 2), 1);
  };
  const [x1, y1, x2, y2] = [0, 1, 2, 3].map((corner) => expandDims(slice(boxes, 2, corner, corner + 1), 3)); // (N, k, 1, 1)
  const zeros = values(image.graph, [size, size], new Float32Array(size * size));
  const x = add(line(x1!, x2!, [1, size]), zeros); // (N, k, size, size)
  const y = add(line(y1!, y2!, [size, 1]), zeros);
  const flat = (plane: Tensor) => reshape(plane, [batch, k * size, size, 1]);
  const grid = stopGradient(concat([flat(x), flat(y)], 3)); // (N, k size, size, 2)
  const sampled = gridSample(image, grid, { padding: "border" }); // (N, 1, k size, size)
  return reshape(sampled, [multiplyDims(batch, k), 1, size, size]);
}
