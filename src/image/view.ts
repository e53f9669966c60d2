// What a model sees of a picture. A decoder that knows the transform can leave out what the model will not see, so it may make the view itself.
import type { DecodeOptions, PictureSize, RawImage } from "./raw-image.ts";
import { firstResize, transformRendition, transformToRaw } from "./transform.ts";
import type { Transform } from "./transform-syntax.ts";

/** A picture as the model sees it, before normalisation: the picture itself is no longer needed. */
export interface PictureView {
  readonly pixels: RawImage;
  /** Size of the picture. */
  readonly width: number;
  readonly height: number;
  /** Whether nobody else has these pixels, so that they can be given away. */
  readonly isOwn: boolean;
}

/** What a decoder is told of a picture that is for a model. */
export interface ViewOptions extends DecodeOptions {
  /** What will become of the pixels. The decoder may do it, and sets `viewOf`. Default: the picture is wanted as it is. */
  readonly transform?: Transform;
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

/** The size of the picture of which these are pixels, whether as they are or as a view. */
export function pictureSize({ width, height, viewOf }: RawImage): PictureSize {
  return viewOf ?? { width, height };
}

/** The view of a picture from what stands for it. A picture of which the transform changes nothing is given back as it is. */
export function viewOfRendition({ pixels, picture, box }: Rendition, transform: Transform): RawImage {
  const view = transformRendition(pixels, transform, picture, box);
  return view === pixels ? pixels : { ...view, viewOf: picture };
}

/** A picture is left twice as large as its first resizing makes it, so that this one still decides what is seen. */
const LEAST_GAP = 2;

/** How many times smaller than it is a picture may be decoded, at most; 1 where it must be decoded wholly. */
export function mostShrinking(transform: Transform, { width, height }: PictureSize): number {
  const resize = firstResize(transform, width, height);
  // The nearest pixel is one of the picture's own.
  if (resize === undefined || resize.filter === "nearest") return 1;
  return Math.max(1, Math.min(width / resize.width, height / resize.height) / LEAST_GAP);
}
