// What the browser can draw, as RGB pixels. Drawing is done by a canvas that stays in memory, band by band, so that beside the result it needs
// no more than a few rows.
import { ImageError } from "../../errors.ts";
import { WHITE } from "../../image/pixels.ts";
import { type DecodeOptions, type PictureSize, type RawImage, rawImage } from "../../image/raw-image.ts";

/** Pixels that are drawn at once, at most. */
const BAND_PIXELS = 2 ** 22;

/**
 * Pixels of a drawing. What is transparent shows the background.
 *
 * @param size of the drawing, which is drawn as large as it is
 * @throws ImageError where the browser keeps the pixels from the page
 */
export function pixelsOf(
  drawing: CanvasImageSource,
  { width, height }: PictureSize,
  { background = WHITE }: Pick<DecodeOptions, "background"> = {},
): RawImage {
  const rows = Math.max(1, Math.min(height, Math.floor(BAND_PIXELS / width)));
  const context = contextOf(width, rows);
  const data = new Uint8Array(3 * width * height);
  context.fillStyle = `rgb(${background.join(" ")})`;
  for (let top = 0; top < height; top += rows) {
    const band = Math.min(rows, height - top);
    context.fillRect(0, 0, width, band);
    context.drawImage(drawing, 0, -top);
    dropAlpha(readBand(context, width, band), data, 3 * width * top);
  }
  return rawImage(width, height, data);
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (typeof OffscreenCanvas === "undefined")
    throw new ImageError("this browser is too old to decode pictures: it has no OffscreenCanvas", {
      code: "image_decoder_missing",
      hint: "a current one has it: Chrome or Edge 69, Firefox 105, Safari 16.4; or hand over pixels",
    });
  // Read often: the canvas stays in memory, where nothing is rounded twice. Opaque: the background is part of it.
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false });
  if (context !== null) return context;
  throw new ImageError(`the browser has no canvas of ${width} x ${height} pixels to decode the picture on`, {
    hint: "scale it down first, or close other tabs",
  });
}

function readBand(context: OffscreenCanvasRenderingContext2D, width: number, height: number): Uint8ClampedArray {
  try {
    return context.getImageData(0, 0, width, height, { colorSpace: "srgb" }).data;
  } catch (cause) {
    if ((cause as { name?: unknown }).name !== "SecurityError") throw cause;
    throw new ImageError("the picture is from another site, which does not let this page read its pixels", {
      hint: 'load it with crossorigin="anonymous" from a server that allows it (CORS), or from your own site',
      cause,
    });
  }
}

function dropAlpha(rgba: Uint8ClampedArray, rgb: Uint8Array, at: number): void {
  for (let from = 0, to = at; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
}
