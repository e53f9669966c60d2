// Which of the boxes or points that are laid out over a picture learn which thing, decided in the graph: what is laid out is known, and things are few. Reproduces
// open-mmlab/mmdetection, mmdet/core/bbox/assigners/max_iou_assigner.py and mmdet/models/dense_heads/fcos_head.py.
import {
  abs,
  add,
  and,
  argMax,
  cast,
  equal,
  expand,
  greater,
  greaterOrEqual,
  iota,
  less,
  lessOrEqual,
  maximum,
  minimum,
  mul,
  or,
  reduceMax,
  reshape,
  sub,
  values,
  where,
} from "../../../graph/build.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { fixedDim } from "../../../nn/linear.ts";
import { type Coordinates, overlap } from "../boxes.ts";
import type { Matching } from "../matching.ts";

/** What each place learns. */
export interface Assignment extends Matching {
  /** (N, places): 1 where a place learns classes at all, be it that there is none. */
  readonly learns: Tensor;
}

/** A box is of a thing that it overlaps by so much, and of nothing where it overlaps none by more than the other number. In between it learns nothing. */
const POSITIVE = 0.5;
const NEGATIVE = 0.4;

/**
 * By overlap: a box learns the thing that it overlaps most, if that is enough, and every thing is learnt by the boxes that overlap it most.
 *
 * @param laid out, each (1, places, 1), pixels
 * @param things each (N, 1, T), pixels
 * @param valid (N, T), 1 for things
 */
export function byOverlap(laid: Coordinates, things: Coordinates, valid: Tensor): Assignment {
  const overlaps = where(validAt(valid), overlap(laid, things), -1); // (N, places, T)
  const best = reduceMax(overlaps, 2, { keepDims: true }); // (N, places, 1)
  const ofThing = reduceMax(overlaps, 1, { keepDims: true }); // (N, 1, T)
  const isClosest = and(equal(overlaps, ofThing), greater(ofThing, 0));
  const many = fixedDim(valid, 1);
  // Of several things that a box is closest to, the last one.
  const numbered = where(isClosest, add(reshape(iota(valid.graph, many), [1, 1, many]), 1), 0);
  const closest = reduceMax(numbered, 2, { keepDims: true }); // (N, places, 1), 0 for none
  const isClose = greater(closest, 0);
  const own = where(isClose, cast(sub(closest, 1), "int64"), argMax(overlaps, 2, { keepDims: true }));
  const isMatched = or(greaterOrEqual(best, POSITIVE), isClose);
  const learns = or(isMatched, less(best, NEGATIVE));
  return { ...chosen(own, isMatched, many), learns: flat(cast(learns, "float32")) };
}

/** Distances from a place to the sides of things, each (N, places, T), pixels. */
export interface Sides {
  readonly left: Tensor;
  readonly top: Tensor;
  readonly right: Tensor;
  readonly bottom: Tensor;
}

/** The sides of things (N, 1, T) as seen from points (1, places, 1). */
export function sidesFrom(points: Pick<Coordinates, "x" | "y">, things: Coordinates): Sides {
  const half = { x: mul(things.width, 0.5), y: mul(things.height, 0.5) };
  return {
    left: sub(points.x, sub(things.x, half.x)),
    top: sub(points.y, sub(things.y, half.y)),
    right: sub(add(things.x, half.x), points.x),
    bottom: sub(add(things.y, half.y), points.y),
  };
}

export interface PointRules {
  /** (1, places, 1): which distances a point is for, the largest of the four, pixels. */
  readonly least: Tensor;
  readonly most: Tensor;
  /** (1, places, 1): how far from a thing's middle a point may be, pixels; undefined for anywhere in the thing. */
  readonly radius?: Tensor;
}

/** Smaller than any thing is: minus square pixels. */
const NOWHERE = -1e12;

/** By place: a point learns the smallest thing that it is in, if that is of a size that the point is for. */
export function byPlace(points: Coordinates, things: Coordinates, valid: Tensor, rules: PointRules): Assignment {
  const sides = sidesFrom(points, things);
  const all = [sides.left, sides.top, sides.right, sides.bottom];
  const nearest = all.reduce((a, b) => minimum(a, b));
  const farthest = all.reduce((a, b) => maximum(a, b));
  let isIn = greater(nearest, 0);
  if (rules.radius !== undefined) {
    const distance = maximum(abs(sub(points.x, things.x)), abs(sub(points.y, things.y)));
    isIn = and(isIn, less(distance, rules.radius));
  }
  const fits = and(greaterOrEqual(farthest, rules.least), lessOrEqual(farthest, rules.most));
  const takes = and(and(isIn, fits), validAt(valid)); // (N, places, T)
  const smallness = where(takes, mul(mul(things.width, things.height), -1), NOWHERE);
  const own = argMax(smallness, 2, { keepDims: true });
  const isMatched = greater(reduceMax(cast(takes, "float32"), 2, { keepDims: true }), 0);
  const matching = chosen(own, isMatched, fixedDim(valid, 1));
  return { ...matching, learns: expand(values(valid.graph, [1, 1], [1]), matching.matched.shape) };
}

function chosen(own: Tensor, isMatched: Tensor, many: number): Matching {
  const isOwn = and(equal(own, reshape(iota(own.graph, many, "int64"), [1, 1, many])), isMatched);
  return { pairs: cast(isOwn, "float32"), matched: flat(cast(isMatched, "float32")) };
}

const validAt = (valid: Tensor): Tensor => greater(reshape(valid, [valid.shape[0]!, 1, valid.shape[1]!]), 0);

const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0]!, x.shape[1]!]);
