// A frame as a model sees it: the model's own transform in so many crops. The frame itself is not kept.
import type { PictureSize } from "../../image/raw-image.ts";
import { type Transform, type ViewToPicture, viewToPicture } from "../../image/transform.ts";
import { type PictureView, pictureView } from "../../image/view.ts";
import { cropsAlong } from "../../image/views.ts";
import type { Frame } from "../../video/video.ts";

/** A frame, as many views as there are crops. */
export interface ViewedFrame {
  readonly index: number;
  readonly seconds: number;
  readonly views: readonly PictureView[];
}

/** The frames of a clip, in its order; one may be there more than once. */
export type ViewedClip = readonly ViewedFrame[];

/** Throws LimitError when a view would be too large, UsageError for crops that the transform does not have. */
export function viewFrame({ image, index, seconds }: Frame, transform: Transform, crops: number): ViewedFrame {
  const views = cropsAlong(transform, crops, image).map((one) => pictureView(image, one));
  return { index, seconds, views };
}

/** Where the crops lie on a frame. */
export function cropsOnFrame(transform: Transform, crops: number, frame: PictureSize): ViewToPicture[] {
  return cropsAlong(transform, crops, frame).map((one) => viewToPicture(one, frame.width, frame.height));
}

/** Memory that views take. A frame that is there more than once is there once. */
export function bytesOfClips(clips: readonly ViewedClip[]): number {
  const frames = new Set(clips.flat());
  let bytes = 0;
  for (const { views } of frames) for (const { pixels } of views) bytes += pixels.data.byteLength;
  return bytes;
}
