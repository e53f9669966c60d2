// What is shown of a picture to a model that sees one size only. Most preprocessing shows the middle, which of a wide picture is a small part:
// the whole picture between bars, or several crops side by side, show more. Every view is a transform of its own, made from the model's.
import { UsageError } from "../errors.ts";
import type { PictureSize } from "./raw-image.ts";
import type { ResampleFilter } from "./resample.ts";
import { seenShare } from "./seen-share.ts";
import {
  fixedOutputSize,
  pixelNormalization,
  printTransform,
  type Transform,
  type TransformOp,
  transformOutputSize,
  type ViewToPicture,
  valueSteps,
  viewToPicture,
} from "./transform.ts";
import type { Triple } from "./transform-syntax.ts";

export const VIEWS = ["center", "whole", "crops", "whole+crops"] as const;
/**
 * What a model sees of a picture; from several views the mean of the answers is taken.
 *
 * - "center": what the model's preprocessing shows, nearly always the middle
 * - "whole": the whole picture, made as small as it must be, between bars of the model's mean colour
 * - "crops": as many crops along the longer side as cover it, at most 6, each at the scale of the model's preprocessing
 * - "whole+crops": both
 */
export type Views = (typeof VIEWS)[number];

export const JITTERS = ["flips", "ten-crops", "jitter"] as const;
/**
 * Views whose mean is steadier than what a single one gives, of all pictures alike, for features: what CNN Features off-the-shelf (Razavian et al.,
 * 2014) calls jittering.
 *
 * - "flips": what the model's preprocessing shows, and its mirror image: 2 views
 * - "ten-crops": that and four corners, each with its mirror image: 10 views
 * - "jitter": these, the middle turned by 15 degrees either way, and the whole picture, each with its mirror image: 16 views
 */
export type Jitter = (typeof JITTERS)[number];
/** Everything that features may be the mean of. */
export type FeatureViews = Views | Jitter;

/** How many views of a picture there are at most. */
export const JITTER_VIEWS: Readonly<Record<Jitter, number>> = { flips: 2, "ten-crops": 10, jitter: 16 };

export const MOST_CROPS = 6;
/** What a further crop would show, as a part of one, below which it is not worth its time: nearly square pictures need one crop. */
const LEAST_NEW = 0.1;
/** How far from equal the scales of both sides may be for a view to count as not squeezed: sizes are whole pixels. */
const SQUEEZE = 0.02;
/** Between bars of what colour a picture is shown where the model says nothing of a mean. */
const MIDDLE_GREY: Triple = [128, 128, 128];

/**
 * The transforms that make the views of a picture, at least one. Several of them make views of one size.
 *
 * @param transform the model's own
 * @example viewTransforms(parseTransform("resize_small(112)|central_crop(112)"), "crops", { width: 400, height: 200 }) // two crops
 */
export function viewTransforms(transform: Transform, views: FeatureViews, picture: PictureSize): readonly Transform[] {
  switch (views) {
    case "center":
      return [transform];
    case "whole":
      return [wholeTransform(transform, picture)];
    case "crops":
      return cropTransforms(transform, picture);
    case "whole+crops": {
      const whole = wholeTransform(transform, picture);
      const crops = cropTransforms(transform, picture);
      return whole === crops[0] ? crops : [whole, ...crops];
    }
    case "flips":
      return withMirrored([transform]);
    case "ten-crops":
      return withMirrored(fiveCrops(transform));
    case "jitter":
      return withMirrored(jittered(transform, picture));
  }
}

/** Where the views lie on a picture, in the order of their transforms. */
export function viewsToPicture(transform: Transform, views: FeatureViews, picture: PictureSize): ViewToPicture[] {
  const { width, height } = picture;
  return viewTransforms(transform, views, picture).map((one) => viewToPicture(one, width, height));
}

/** The model's own transform where it shows all of the picture already, or has no size that the picture would have to fit into. */
function wholeTransform(transform: Transform, picture: PictureSize): Transform {
  const size = fixedOutputSize(transform);
  if (size === undefined || showsAll(transform, picture, size)) return transform;
  const { width, height } = size;
  const resizing = transform.find((op) => "filter" in op);
  const filter: ResampleFilter = resizing?.filter ?? "bilinear";
  return [{ op: "letterbox", width, height, filter, fill: meanColor(transform) }, ...valueSteps(transform)];
}

function showsAll(transform: Transform, picture: PictureSize, size: PictureSize): boolean {
  const map = viewToPicture(transform, picture.width, picture.height);
  const across = (map.scaleX * picture.width) / size.width;
  const down = (map.scaleY * picture.height) / size.height;
  return seenShare([map]) > 1 - 1e-9 && Math.abs(across / down - 1) < SQUEEZE;
}

/** What normalisation makes zero: to the model it is as nothing, as the zeros are that its convolutions pad with. */
function meanColor(transform: Transform): Triple {
  const { mean } = pixelNormalization(transform) ?? { mean: [0, 0, 0] };
  // A mean at the end of the range is no mean, but the range of a model that takes 0 to 1 or 0 to 255.
  if (!mean.every((value) => value > 0 && value < 1)) return MIDDLE_GREY;
  const [red, green, blue] = mean.map((value) => Math.round(255 * value));
  return [red!, green!, blue!];
}

/** The model's own transform where one crop is enough, and where it has none and squeezes nothing. */
function cropTransforms(transform: Transform, picture: PictureSize): readonly Transform[] {
  const framed = framing(transform);
  if (framed === undefined) return [transform];
  const { before, crop, after } = framed;
  const whole = transformOutputSize(before, picture.width, picture.height);
  const [across, down] = [whole.width / crop.width, whole.height / crop.height];
  const starts =
    across >= down
      ? cropStarts(whole.width, crop.width, down).map((x) => ({ x, y: 0.5 }))
      : cropStarts(whole.height, crop.height, across).map((y) => ({ x: 0.5, y }));
  if (starts.length === 1) return [transform];
  return starts.map((start) => [...before, { op: "crop", width: crop.width, height: crop.height, ...start }, ...after]);
}

/**
 * So many crops along the longer side, from one end to the other, each at the scale of the preprocessing: three are what tests of video models take. One
 * is the transform itself. Of a picture with nothing left over they are all the same.
 *
 * @throws UsageError for several crops of a transform that crops and squeezes nothing
 */
export function cropsAlong(transform: Transform, count: number, picture: PictureSize): readonly Transform[] {
  if (count === 1) return [transform];
  const framed = framing(transform);
  if (framed === undefined)
    throw new UsageError(
      `${count} crops of a picture need preprocessing that makes one size of it, and this one does not: ${printTransform(transform)}`,
      "take one crop, or end the transform with a crop",
    );
  const whole = transformOutputSize(framed.before, picture.width, picture.height);
  const isWide = whole.width * framed.crop.height >= whole.height * framed.crop.width;
  const places = Array.from({ length: count }, (_, i) => i / (count - 1));
  return places.map((place) => croppedAt(framed, isWide ? { x: place, y: 0.5 } : { x: 0.5, y: place }));
}

/**
 * Where crops begin, 0 to 1 of what is left over one.
 *
 * @param size of the longer side, `crop` how much of it a crop shows, both in pixels
 * @param other how many crops the shorter side has room for: what it loses at its ends the longer one may lose too
 */
function cropStarts(size: number, crop: number, other: number): number[] {
  const wanted = size - Math.max(0, other - 1) * crop;
  const needed = Math.ceil(wanted / crop - LEAST_NEW);
  const count = Math.min(needed, MOST_CROPS);
  if (count <= 1) return [0.5];
  const covered = count < needed ? wanted : Math.min(wanted, count * crop);
  const first = (size - covered) / 2;
  const step = (covered - crop) / (count - 1);
  return Array.from({ length: count }, (_, i) => (first + i * step) / (size - crop));
}

const withMirrored = (transforms: readonly Transform[]): Transform[] =>
  transforms.flatMap((one) => [one, beforeValues(one, { op: "mirror" })]);

/** A step on the pixels that a transform leaves. */
function beforeValues(transform: Transform, op: TransformOp): Transform {
  const values = valueSteps(transform);
  return [...transform.slice(0, transform.length - values.length), op, ...values];
}

/** What is cropped is larger than the crop by this factor, as 256 to 224, where preprocessing itself leaves no more room than that. */
const ROOM = 8 / 7;
const TURN_DEGREES = 15;
const CORNERS = [0, 1].flatMap((y) => [0, 1].map((x) => ({ x, y })));

/** What the preprocessing shows, and the corners of a picture that is somewhat larger than a view. Views of any size have no corners. */
function fiveCrops(transform: Transform): readonly Transform[] {
  const framed = roomyFraming(transform);
  return framed === undefined ? [transform] : [transform, ...CORNERS.map((start) => croppedAt(framed, start))];
}

function croppedAt(
  { before, crop: { width, height }, after }: Framing,
  start: { readonly x: number; readonly y: number },
  turn: Transform = [],
): Transform {
  return [...before, ...turn, { op: "crop", width, height, ...start }, ...after];
}

function jittered(transform: Transform, picture: PictureSize): readonly Transform[] {
  const framed = roomyFraming(transform);
  const turned = [-TURN_DEGREES, TURN_DEGREES].map((degrees): Transform => {
    const turn: TransformOp = { op: "rotate", degrees, fill: meanColor(transform) };
    // With room around it, a turned crop has hardly any empty corners.
    return framed === undefined ? beforeValues(transform, turn) : croppedAt(framed, { x: 0.5, y: 0.5 }, [turn]);
  });
  return [...fiveCrops(transform), ...turned, wholeTransform(transform, picture)];
}

/** A framing whose resizing leaves room around the crop. */
function roomyFraming(transform: Transform): Framing | undefined {
  const framed = framing(transform);
  if (framed === undefined) return undefined;
  const { before, crop, after } = framed;
  const shown = transformOutputSize(before, SQUARE, SQUARE);
  const missing = Math.max((ROOM * crop.width) / shown.width, (ROOM * crop.height) / shown.height);
  if (missing <= 1) return framed;
  return { before: before.map((op) => enlarged(op, missing)), crop, after };
}

/** The side of the picture that is tried, in pixels: how much room there is at least is a square picture's. */
const SQUARE = 1000;

function enlarged(op: TransformOp, factor: number): TransformOp {
  const larger = (size: number) => Math.round(size * factor);
  if ("size" in op) return { ...op, size: larger(op.size) };
  if (op.op === "resize" || op.op === "resize_cover" || op.op === "letterbox")
    return { ...op, width: larger(op.width), height: larger(op.height) };
  return op;
}

interface Framing {
  readonly before: Transform;
  readonly crop: PictureSize;
  readonly after: Transform;
}

/** A transform around the step that decides what is left out; where one squeezes instead, as if it would crop. */
function framing(transform: Transform): Framing | undefined {
  const isCrop = ({ op }: TransformOp) => op === "central_crop" || op === "crop";
  const at = transform.some(isCrop)
    ? transform.findLastIndex(isCrop)
    : transform.findLastIndex(({ op }) => op === "resize");
  const op = transform[at];
  const [before, after] = [transform.slice(0, at), transform.slice(at + 1)];
  if (op?.op === "central_crop" || op?.op === "crop") return { before, crop: op, after };
  if (op?.op === "resize") return { before: [...before, { ...op, op: "resize_cover" }], crop: op, after };
  return undefined;
}
