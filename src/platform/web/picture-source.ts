// What a page has as a picture, as the bytes of a file or as pixels: what it shows, draws on and films, what a person has chosen, what is at an address.
import { describeValue, isUrl, readBytes } from "../../byte-sources.ts";
import { ImageError, LimitError } from "../../errors.ts";
import type { Pixels } from "../../image/pixels.ts";
import { DEFAULT_MAX_BYTES, type DecodeOptions, type PictureSize, requireFewPixels } from "../../image/raw-image.ts";
import { addressOf, fetchAddress } from "./address.ts";
import { DEFAULT_MAX_PIXELS_IN_PAGE } from "./decode.ts";
import { statusFault } from "./network-faults.ts";
import { pixelsOf } from "./pixels-of.ts";
import { bytesOfBlob } from "./storage-faults.ts";

/** What a browser can draw, beside files and pixels. */
export type DrawablePicture =
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame;

/**
 * A picture of a page's own kinds; undefined for bytes in memory, pixels, and what is no picture at all: those are the same everywhere.
 *
 * @throws ImageError for an element that shows nothing, LimitError, NetworkError, AbortedError; SaccadeError for a file that has changed
 */
export async function openPicture(
  source: unknown,
  options: DecodeOptions = {},
): Promise<Uint8Array | Pixels | undefined> {
  if (typeof source === "string" || isUrl(source)) return fetchPicture(addressOf(source), options);
  switch (Object.prototype.toString.call(source).slice(8, -1)) {
    case "Blob":
    case "File":
      return readBlob(source as Blob, options);
    case "FileSystemFileHandle":
      return readBlob(await (source as FileSystemFileHandle).getFile(), options);
    case "ImageBitmap":
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
      return drawn(source as ImageBitmap | HTMLCanvasElement | OffscreenCanvas, options);
    case "HTMLImageElement":
      return shownImage(source as HTMLImageElement, options);
    case "HTMLVideoElement":
      return shownFrame(source as HTMLVideoElement, options);
    case "VideoFrame":
      return decodedFrame(source as VideoFrame, options);
    default:
      return undefined;
  }
}

async function fetchPicture(address: URL, options: DecodeOptions): Promise<Uint8Array | undefined> {
  const response = await fetchAddress(address);
  if (!response.ok) throw statusFault(address.href, response);
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > maxBytes) {
    await response.body?.cancel();
    throw new LimitError("a picture file", announced, maxBytes, "bytes");
  }
  return readBytes(response, "a picture file", maxBytes, options.reserve);
}

async function readBlob(blob: Blob, { maxBytes = DEFAULT_MAX_BYTES, reserve }: DecodeOptions): Promise<Uint8Array> {
  if (blob.size > maxBytes) throw new LimitError("a picture file", blob.size, maxBytes, "bytes");
  await reserve?.(blob.size);
  return bytesOfBlob(blob);
}

async function drawn(
  picture: ImageBitmap | HTMLCanvasElement | OffscreenCanvas,
  options: DecodeOptions,
): Promise<Pixels> {
  const { width, height } = picture;
  if (width === 0 || height === 0)
    throw nothingShown(
      `${describeValue(picture)} of ${width} x ${height} pixels has no picture`,
      "a bitmap that was closed has none any more",
    );
  return drawPixels(picture, { width, height }, options);
}

async function shownImage(image: HTMLImageElement, options: DecodeOptions): Promise<Pixels> {
  try {
    await image.decode(); // waits until it has been loaded
  } catch (cause) {
    throw nothingShown("the img element shows no picture: it could not be loaded or decoded", "check its src", cause);
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  if (width === 0 || height === 0)
    throw nothingShown("the picture of the img element has no size of its own", "give an SVG a width and a height");
  requireFewPixels({ width, height }, options.maxPixels ?? DEFAULT_MAX_PIXELS_IN_PAGE);
  // Upright, as it is shown; without the colours being changed to the screen's.
  return drawBitmap(
    await createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" }),
    options,
  );
}

async function shownFrame(video: HTMLVideoElement, options: DecodeOptions): Promise<Pixels> {
  const { videoWidth: width, videoHeight: height } = video;
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || width === 0) throw noFrame();
  requireFewPixels({ width, height }, options.maxPixels ?? DEFAULT_MAX_PIXELS_IN_PAGE);
  // A canvas draws nothing, without a word, where the first frame has been decoded but not yet been handed over.
  const bitmap = await createImageBitmap(video).catch(async () => {
    await nextFrame(video);
    return createImageBitmap(video).catch((cause: unknown) => {
      throw noFrame(cause);
    });
  });
  return drawBitmap(bitmap, options);
}

const noFrame = (cause?: unknown) =>
  nothingShown("the video shows no frame yet", "wait for its event loadeddata, or play it", cause);

const MOST_WAITING_MS = 500;

function nextFrame(video: HTMLVideoElement): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, MOST_WAITING_MS);
    video.requestVideoFrameCallback?.(() => resolve());
  });
}

async function decodedFrame(frame: VideoFrame, options: DecodeOptions): Promise<Pixels> {
  const { displayWidth: width, displayHeight: height } = frame;
  if (frame.format === null && frame.codedWidth === 0)
    throw nothingShown("the video frame was closed", "close it after the answer has come");
  return drawPixels(frame, { width, height }, options);
}

async function drawBitmap(bitmap: ImageBitmap, options: DecodeOptions): Promise<Pixels> {
  try {
    return await drawPixels(bitmap, bitmap, options);
  } finally {
    bitmap.close();
  }
}

async function drawPixels(drawing: CanvasImageSource, size: PictureSize, options: DecodeOptions): Promise<Pixels> {
  requireFewPixels(size, options.maxPixels ?? DEFAULT_MAX_PIXELS_IN_PAGE);
  // What it shows now: nothing is waited for before it is drawn.
  return pixelsOf(drawing, size, options);
}

function nothingShown(problem: string, hint: string, cause?: unknown): ImageError {
  return new ImageError(problem, { code: "image_empty", hint, ...(cause === undefined ? {} : { cause }) });
}
