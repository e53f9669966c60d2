// Picture files in a page: the browser decodes, the library's own resampler does the rest. The choices are those of the decoder for Node (platform/node/decode.ts):
// stored values without colour management, the orientation applied, alpha over a background, the first picture of an animation.
import { ImageError, LimitError } from "../../errors.ts";
import { turnUpright, webpOrientation } from "../../image/orientation.ts";
import { decodingFailure, requirePicture } from "../../image/picture-faults.ts";
import { DEFAULT_MAX_BYTES, type DecodeOptions, type RawImage, requireFewPixels } from "../../image/raw-image.ts";
import type { PictureFormat } from "../../image/sniff.ts";
import { storedSize } from "../../image/stored-size.ts";
import { asRendition, type ViewOptions, viewsOfRendition } from "../../image/view.ts";
import { pixelsOf } from "./pixels-of.ts";

/** A tab has less memory than a process: 11586 x 11586. */
export const DEFAULT_MAX_PIXELS_IN_PAGE = 2 ** 27;

const SUPPORTED = "JPEG, PNG, WebP, GIF, AVIF and BMP are read";
/** Formats that some browsers decode and others do not. */
const RARE: ReadonlySet<PictureFormat> = new Set(["tiff", "heic", "avif"]);

/**
 * Bytes of a picture file as upright 8-bit RGB, or as what a model sees of it when `options.transform` says what that is. The content decides
 * what it is, not a name or a type. `options.decode` changes nothing here: pictures are always decoded wholly.
 *
 * @throws LimitError when the file has more than `maxBytes` or its header announces more than `maxPixels`; nothing is decoded then
 * @throws ImageError when the bytes are something else, damaged, cut off, or of a kind that this browser does not decode
 */
export async function decodePicture(bytes: Uint8Array, options: ViewOptions = {}): Promise<RawImage> {
  const { transform, views = "center" } = options;
  const picture = await decodeWhole(bytes, options);
  return transform === undefined ? picture : viewsOfRendition(asRendition(picture), transform, views);
}

/**
 * What can be said of a picture file before it is decoded: its format. Waits until there is room for its pixels.
 *
 * @throws LimitError, ImageError
 */
export async function requireDecodable(bytes: Uint8Array, options: DecodeOptions): Promise<PictureFormat> {
  const { maxBytes = DEFAULT_MAX_BYTES, maxPixels = DEFAULT_MAX_PIXELS_IN_PAGE, reserve } = options;
  if (bytes.length > maxBytes) throw new LimitError("a picture file", bytes.length, maxBytes, "bytes");
  const format = requirePicture(bytes, SUPPORTED);
  const announced = storedSize(bytes, format);
  if (announced !== undefined) {
    requireFewPixels(announced, maxPixels);
    await reserve?.(7 * announced.width * announced.height); // RGBA in the browser, RGB here
  }
  return format;
}

async function decodeWhole(bytes: Uint8Array, options: ViewOptions): Promise<RawImage> {
  const format = await requireDecodable(bytes, options);
  const bitmap = await decodeInBrowser(bytes, format);
  try {
    // Where a header was not understood, or did not tell the truth.
    requireFewPixels(bitmap, options.maxPixels ?? DEFAULT_MAX_PIXELS_IN_PAGE);
    const picture = pixelsOf(bitmap, bitmap, options);
    // Browsers differ in whether they heed a WebP's EXIF, so they are told not to.
    return format === "webp" ? turnUpright(picture, webpOrientation(bytes)) : picture;
  } finally {
    bitmap.close();
  }
}

async function decodeInBrowser(bytes: Uint8Array, format: PictureFormat): Promise<ImageBitmap> {
  // A Blob takes no shared memory, and of a part of a buffer only that part.
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
  try {
    return await createImageBitmap(blob, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: format === "webp" ? "none" : "from-image",
    });
  } catch (error) {
    const failure = decodingFailure(error, bytes, format);
    if (!RARE.has(format) || failure.code === "image_truncated") throw failure;
    const name = format.toUpperCase();
    throw new ImageError(`this browser does not decode ${name} pictures, or this one is damaged`, {
      code: "image_unsupported",
      hint: `convert it to JPEG or PNG${format === "heic" ? "; phones can be set to take JPEG" : ""}`,
      data: { format, bytes: bytes.length },
      cause: error,
    });
  }
}
