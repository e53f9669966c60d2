// RGB pixels as the bytes of a PNG file, by the browser's own encoder.
import { ImageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";

export async function encodePng({ width, height, data }: RawImage): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) throw new ImageError(`the browser has no canvas of ${width} x ${height} pixels to encode`);
  context.putImageData(new ImageData(withAlpha(data), width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
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
