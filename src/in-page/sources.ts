// What a page hands over as pictures and as models, and the host that takes both.
import type { ModelFileSource } from "../model-folder/load.ts";
import { createWebHost, type WebHost, webFiles } from "../platform/web/host.ts";
import { type FetchOptions, openModelSource, type WebModelSource } from "../platform/web/model-source.ts";
import type { DrawablePicture } from "../platform/web/picture-source.ts";
import type { PictureSource as AnyPictureSource } from "../tasks/engine/pictures.ts";
import type { LabelledPicture as AnyLabelledPicture } from "../tasks/recognise/learn-pictures.ts";

/**
 * What a page has as a picture: a Blob or File (or its handle), an ImageBitmap, ImageData, an img, canvas or video element, an OffscreenCanvas, a VideoFrame, an
 * address (a URL, or a string relative to the page: it is fetched), the bytes of a picture file, the Response of a fetch, or RGB(A) pixels.
 */
export type PictureSource = AnyPictureSource | DrawablePicture | FileSystemFileHandle;

/** A picture and what is in it. */
export interface LabelledPicture extends Omit<AnyLabelledPicture, "picture"> {
  readonly picture: PictureSource;
}

export type PictureSources = Iterable<PictureSource> | AsyncIterable<PictureSource>;
export type LabelledPictures = Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>;

/** The page itself. */
export const pageHost = /* @__PURE__ */ createWebHost();

/** Opens what a page has as a model, and loads it from there. */
export async function loadFrom<T>(
  source: WebModelSource,
  options: FetchOptions,
  load: (host: WebHost, source: ModelFileSource) => Promise<T>,
): Promise<T> {
  const opened = await openModelSource(webFiles, source, options);
  return load(createWebHost(opened.files), opened.source);
}
