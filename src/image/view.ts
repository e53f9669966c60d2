// What a model sees of a picture. A decoder that knows the transform can leave out what the model will not see, so it may make the view itself.
import type { DecodeOptions, PictureSize, RawImage } from "./raw-image.ts";
import { firstResize, transformRendition, transformToRaw } from "./transform.ts";
import type { Transform } from "./transform-syntax.ts";
import { type FeatureViews, viewTransforms } from "./views.ts";

/** A picture as the model sees it, before normalisation: the picture itself is no longer needed. */
export interface PictureView {
  readonly pixels: RawImage;
  /** Size of the picture. */
  readonly width: number;
  readonly height: number;
  /** How much of the pixels is picture, from the top left; the rest is padding. Absent where nobody asks. */
  readonly extent?: PictureSize;
  /** Whether nobody else has these pixels, so that they can be given away. */
  readonly isOwn: boolean;
}

/** All that the model sees of a picture, at least one view. Several have one size. */
export type PictureViews = readonly [PictureView, ...PictureView[]];

/** What a decoder is told of a picture that is for a model. */
export interface ViewOptions extends DecodeOptions {
  /** What will become of the pixels. The decoder may do it, and sets `viewOf`. Default: the picture is wanted as it is. */
  readonly transform?: Transform;
  /** Which views of it the transform is to make. Default "center". */
  readonly views?: FeatureViews;
}

/** Pixels that stand for a picture, perhaps fewer than it has. */
export interface Rendition {
  readonly pixels: RawImage;
  /** Size of the picture. */
  readonly picture: PictureSize;
  /** Where the picture's edges lie on the pixels: left, top, right, bottom. They may lie less than a pixel beyond. */
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
}

/** A picture stands for itself. */
export function asRendition(pixels: RawImage): Rendition {
  const { width, height } = pixels;
  return { pixels, picture: { width, height }, box: [0, 0, width, height] };
}

/** What a model sees of a picture, whether the decoder has made it already or not. Throws LimitError when a step would make it too large. */
export function pictureView(picture: RawImage, transform: Transform): PictureView {
  const { width, height, viewOf } = picture;
  if (viewOf !== undefined) return { pixels: picture, ...viewOf, isOwn: true };
  const pixels = transformToRaw(picture, transform).image;
  return { pixels, width, height, isOwn: pixels !== picture };
}

/** The same for all views. */
export function pictureViews(picture: RawImage, transform: Transform, views: FeatureViews): PictureViews {
  const { viewOf, otherViews = [] } = picture;
  const [first, ...others] =
    viewOf === undefined
      ? viewTransforms(transform, views, picture).map((one) => pictureView(picture, one))
      : [picture, ...otherViews].map((pixels) => ({ pixels, ...viewOf, isOwn: true }));
  return [first!, ...others];
}

/** The size of the picture of which these are pixels, whether as they are or as a view. */
export function pictureSize({ width, height, viewOf }: RawImage): PictureSize {
  return viewOf ?? { width, height };
}

/** The views of a picture from what stands for it. A picture of which the only transform changes nothing is given back as it is. */
export function viewsOfRendition(
  { pixels, picture, box }: Rendition,
  transform: Transform,
  views: FeatureViews,
): RawImage {
  const made = viewTransforms(transform, views, picture).map((one) => transformRendition(pixels, one, picture, box));
  if (made.length === 1 && made[0] === pixels) return pixels;
  // Views can be given away; the decoder's memory cannot.
  const [first, ...otherViews] = made.map((view) => (view === pixels ? { ...view, data: view.data.slice() } : view));
  return { ...first!, viewOf: picture, ...(otherViews.length === 0 ? {} : { otherViews }) };
}

/** A picture is left twice as large as its first resizing makes it, so that this one still decides what is seen. */
const LEAST_GAP = 2;

/** How many times smaller than it is a picture may be decoded, at most; 1 where it must be decoded wholly. */
export function mostShrinking(transform: Transform, views: FeatureViews, picture: PictureSize): number {
  return Math.min(...viewTransforms(transform, views, picture).map((one) => mostShrinkingFor(one, picture)));
}

function mostShrinkingFor(transform: Transform, { width, height }: PictureSize): number {
  const resize = firstResize(transform, width, height);
  // The nearest pixel is one of the picture's own.
  if (resize === undefined || resize.filter === "nearest") return 1;
  return Math.max(1, Math.min(width / resize.width, height / resize.height) / LEAST_GAP);
}
