// What heat maps of corners and centres learn: on every level the place nearest to a thing's point, and less and less around it. Reproduces microsoft/RelationNet2,
// code/core/bbox/assigners/point_kpt_assigner.py, and mmdetection's GaussianFocalLoss and SmoothL1Loss.
import {
  abs,
  add,
  argMax,
  cast,
  concat,
  div,
  equal,
  exp,
  gather,
  iota,
  less,
  matMul,
  minimum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  sigmoid,
  sqrt,
  sub,
  values,
  where,
} from "../../../graph/build.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { type KeypointMaps, type KeypointType, rowsOf } from "../../../models/single-stage/bvr/keypoints.ts";
import type { Level } from "../../../models/single-stage/config.ts";
import { cellsOf } from "../../../models/single-stage/places.ts";
import { fixedDim, fixedWidth } from "../../../nn/linear.ts";
import type { Coordinates } from "../boxes.ts";
import { oneHot } from "../costs.ts";
import { crossEntropyOf } from "../losses.ts";

/** Boxes whose corners are that far off still overlap by that much: how wide a point's surroundings are. */
const OVERLAP = 0.7;

/** Things of a batch: in pixels, each (N, 1, T). */
export interface Things extends Coordinates {
  /** (N, T) */
  readonly valid: Tensor;
}

/** What the places of all levels learn of one kind of point. */
export interface KeypointTargets {
  /** (N, places): how near a thing's point is, 1 where none is nearer. */
  readonly scores: Tensor;
  /** (N, places, T): 1 for the thing whose point it is. */
  readonly owners: Tensor;
  /** (N, places, 2): how far the point is to the right and down, in strides. */
  readonly offsets: Tensor;
  /** (N, places): 1 where offsets are learnt. */
  readonly learns: Tensor;
}

export function keypointTargets(type: KeypointType, things: Things, levels: readonly Level[]): KeypointTargets {
  const { graph } = things.valid;
  const [n, many] = [things.valid.shape[0]!, fixedDim(things.valid, 1)];
  const valid = reshape(things.valid, [n, 1, many]);
  const point = pointOf(type, things);
  const doubled = mul(square(deviation(things.width, things.height)), 2);
  const of = levels.map((level) => {
    const cells = cellsOf(level);
    const column = (of: "x" | "y") =>
      values(
        graph,
        [cells.length],
        cells.map((cell) => cell[of]),
      );
    const [xs, ys] = [column("x"), column("y")];
    const away = (x: Tensor, y: Tensor) =>
      add(square(sub(reshape(xs, [1, -1, 1]), x)), square(sub(reshape(ys, [1, -1, 1]), y))); // (N, cells, T)
    const nearest = argMax(neg(away(point.x, point.y)), 1, { keepDims: true }); // (N, 1, T)
    const distance = away(gather(xs, nearest, 0), gather(ys, nearest, 0));
    const isNearest = cast(equal(reshape(iota(graph, cells.length, "int64"), [1, -1, 1]), nearest), "float32");
    return { scores: mul(exp(neg(div(distance, doubled))), valid), nearest: mul(isNearest, valid) };
  });
  const scores = concat(
    of.map((level) => level.scores),
    1,
  ); // (N, places, T)
  const learns = reduceMax(
    concat(
      of.map((level) => level.nearest),
      1,
    ),
    2,
  );
  const own = argMax(scores, 2, { keepDims: true }); // (N, places, 1)
  const owners = cast(equal(own, reshape(iota(graph, many, "int64"), [1, 1, many])), "float32");
  const offset = (axis: "x" | "y") => {
    const from = levels.flatMap((level) => cellsOf(level).map((cell) => cell[axis]));
    const strides = levels.flatMap((level) => cellsOf(level).map(() => level.stride));
    const to = matMul(owners, reshape(point[axis], [n, many, 1])); // (N, places, 1)
    const along = (numbers: readonly number[]) => values(graph, [1, numbers.length, 1], numbers);
    return div(sub(to, along(from)), along(strides));
  };
  return { scores: reduceMax(scores, 2), owners, offsets: concat([offset("x"), offset("y")], 2), learns };
}

function pointOf(type: KeypointType, { x, y, width, height }: Coordinates): { readonly x: Tensor; readonly y: Tensor } {
  if (type === "center") return { x, y };
  const side = type === "top_left_corner" ? -0.5 : 0.5;
  return { x: add(x, mul(width, side)), y: add(y, mul(height, side)) };
}

/** Of the Gaussian around a point of a box, in pixels: a sixth of CornerNet's diameter (princeton-vl/CornerNet, sample/utils.py gaussian_radius). */
function deviation(width: Tensor, height: Tensor): Tensor {
  const area = mul(width, height);
  const sum = add(width, height);
  const root = (b: Tensor, fourAC: Tensor) => sqrt(sub(square(b), fourAC));
  const one = div(sub(sum, root(sum, mul(area, (4 * (1 - OVERLAP)) / (1 + OVERLAP)))), 2);
  const two = div(sub(mul(sum, 2), root(mul(sum, 2), mul(area, 16 * (1 - OVERLAP)))), 8);
  const b = mul(sum, -2 * OVERLAP);
  const three = div(add(b, root(b, mul(area, 16 * OVERLAP * (OVERLAP - 1)))), 8 * OVERLAP);
  const radius = minimum(minimum(one, two), three);
  return div(add(mul(radius, 2), 1), 6);
}

/** Sums over all places, to be divided by the number of places where offsets are learnt, which is `places`. */
export interface KeypointLosses {
  readonly heat: Tensor;
  readonly offset: Tensor;
  readonly places: Tensor;
}

/** @param classes (N, T) int64 */
export function keypointLosses(maps: KeypointMaps, targets: KeypointTargets, classes: Tensor): KeypointLosses {
  const heats = rowsOf(maps.heats); // (N, places, C)
  const { scores, owners, offsets, learns } = targets;
  const column = (x: Tensor) => reshape(x, [x.shape[0]!, x.shape[1]!, 1]);
  const wanted = mul(matMul(owners, oneHot(classes, fixedWidth(heats))), column(scores)); // (N, places, C)
  const moved = abs(sub(rowsOf(maps.offsets), offsets));
  const smooth = where(less(moved, 1), mul(square(moved), 0.5), sub(moved, 0.5));
  return {
    heat: total(gaussianFocal(heats, wanted)),
    offset: total(mul(smooth, column(learns))),
    places: total(learns),
  };
}

/** Focal loss where near misses count less (Law and Deng, ECCV 2018), element by element. `targets` in 0..1; what is 1 is there. */
export function gaussianFocal(logits: Tensor, targets: Tensor): Tensor {
  const p = sigmoid(logits);
  const isThere = mul(square(sub(1, p)), crossEntropyOf(logits, values(logits.graph, [1, 1, 1], [1])));
  const isNot = mul(square(p), crossEntropyOf(logits, values(logits.graph, [1, 1, 1], [0])));
  return where(equal(targets, 1), isThere, mul(isNot, square(square(sub(1, targets)))));
}

const square = (x: Tensor): Tensor => mul(x, x);

const total = (x: Tensor): Tensor =>
  reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  );
