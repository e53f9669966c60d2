// Pictures to pixels and back, in a page.
import { encodeSheet, type SheetFormat } from "../evaluate/sheet-file.ts";
import { type DrawGazeOptions, type Gaze, gazeSheet } from "../image/explain.ts";
import { type Glimpse, glimpseSheet } from "../image/glimpses.ts";
import { type Pixels, rgbPixels } from "../image/pixels.ts";
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import type { SheetOptions } from "../image/sheet.ts";
import { type TokenGroups, tokenSheet } from "../image/token-groups.ts";
import { type PictureSource as AnyPictureSource, readPicture } from "../tasks/engine/pictures.ts";
import { type PictureSource, pageHost } from "./sources.ts";

/** Pictures to pixels. */
export const decodeImage = (picture: PictureSource, options?: DecodeOptions): Promise<RawImage> =>
  readPicture(pageHost, picture as AnyPictureSource, options);
/** Pixels to PNG bytes. */
export const encodePng = (pixels: Pixels): Promise<Uint8Array> => pageHost.encodePng(rgbPixels(pixels));

/**
 * What `drawGaze` draws, as the bytes of a file, with labels in the browser's typefaces.
 *
 * @param options `format` is "png" (default), "svg" or "html", which keep labels of any script as text
 * @example
 * const { gaze } = await classifier.classify(image, { explain: true });
 * if (gaze) link.href = URL.createObjectURL(new Blob([await encodeGaze(await decodeImage(image), gaze)]));
 */
export const encodeGaze = async (
  picture: Pixels,
  gaze: Gaze,
  { format = "png", ...options }: DrawGazeOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(gazeSheet(picture, gaze, options), format, pageHost);

/** What `drawGlimpses` draws, as `encodeGaze` makes files. */
export const encodeGlimpses = async (
  picture: Pixels,
  glimpses: readonly Glimpse[],
  { format = "png", ...options }: SheetOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(glimpseSheet(picture, glimpses, options), format, pageHost);

/** What `drawTokens` draws, as `encodeGaze` makes files. */
export const encodeTokens = async (
  picture: Pixels,
  tokens: TokenGroups,
  { format = "png", ...options }: SheetOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(tokenSheet(picture, tokens, options), format, pageHost);
