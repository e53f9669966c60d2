// RGB pixels as the bytes of a picture file, by the browser's own encoders.
import { ImageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";

export const encodePng = (image: RawImage): Promise<Uint8Array> => encodedPicture(image, "image/png");

/** @param quality 0 to 1, of kinds that have one */
export async function encodedPicture(
  { width, height, data }: RawImage,
  type: string,
  quality?: number,
): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) throw new ImageError(`the browser has no canvas of ${width} x ${height} pixels to encode`);
  context.putImageData(new ImageData(withAlpha(data), width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type, ...(quality === undefined ? {} : { quality }) });
  return new Uint8Array(await blob.arrayBuffer());
}

/** Pixels for a canvas. */
export function withAlpha(rgb: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from]!;
    rgba[to + 1] = rgb[from + 1]!;
    rgba[to + 2] = rgb[from + 2]!;
    rgba[to + 3] = 255;
  }
  return rgba;
}
