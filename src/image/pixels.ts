// Pixels that a caller brings, in the layouts that canvases, decoders and cameras give, and how they become the library's own.
import { bytesInMemory, describeValue } from "../byte-sources.ts";
import { ImageError } from "../errors.ts";
import { type RawImage, requireSize } from "./raw-image.ts";

/** Pixels row by row, eight bits a value: RGB, RGBA (such as a canvas's ImageData), or grey where `channels` says so. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** width x height x 3 bytes, or x 4 with alpha, or x 1 with `channels: 1`. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Default: RGB or RGBA, as the length of `data` says. */
  readonly channels?: 1 | 3 | 4 | undefined;
}

type Rgb = readonly [red: number, green: number, blue: number];

export const WHITE: Rgb = [255, 255, 255];

/** Whether a value means to be pixels, be they right or wrong. */
export function looksLikePixels(value: unknown): value is Pixels {
  return typeof value === "object" && value !== null && "data" in value && ("width" in value || "height" in value);
}

/**
 * Pixels as RGB: alpha is laid over the background, grey is repeated. What is RGB already stays the same object.
 *
 * @throws ImageError "image_pixels" when size, length and channels do not go together, or the values are not bytes
 */
export function rgbPixels(pixels: Pixels, background: Rgb = WHITE): RawImage {
  if (!looksLikePixels(pixels))
    throw wrongPixels(`pixels are { width, height, data }; this is ${describeValue(pixels)}`);
  const { width, height } = pixels;
  requireSize(width, height);
  const data = requireValues(pixels.data);
  switch (channelsOf(pixels, data.length)) {
    case 1:
      return { width, height, data: repeatGrey(data) };
    case 3:
      return data === pixels.data ? (pixels as RawImage) : { width, height, data };
    case 4:
      return { width, height, data: layOver(pickBands(data, 4, [0, 1, 2]), pickBands(data, 4, [3]), background) };
  }
}

function requireValues(data: unknown): Uint8Array {
  const bytes = bytesInMemory(data);
  if (bytes !== undefined) return bytes;
  const isFloat = /Float/.test(describeValue(data));
  throw wrongPixels(
    `pixels are bytes from 0 to 255 in a Uint8Array; this is ${describeValue(data)}`,
    isFloat ? "for values from 0 to 1: Uint8Array.from(data, (value) => Math.round(255 * value))" : undefined,
  );
}

function channelsOf({ width, height, channels }: Pixels, length: number): 1 | 3 | 4 {
  const area = width * height;
  if (channels !== undefined && channels !== 1 && channels !== 3 && channels !== 4)
    throw wrongPixels(`pixels have 1 (grey), 3 (RGB) or 4 (RGBA) channels, got ${describeValue(channels)}`);
  const fitting = channels ?? ([3, 4] as const).find((count) => count * area === length);
  if (fitting !== undefined && fitting * area === length) return fitting;
  const needed = channels === undefined ? `${3 * area} (RGB) or ${4 * area} (RGBA)` : `${channels * area}`;
  throw wrongPixels(
    `a ${width} x ${height} picture${channels === undefined ? "" : ` of ${channels} channel${channels === 1 ? "" : "s"}`} needs ${needed} bytes, got ${length}`,
    length === area ? "one byte a pixel is grey: say so with channels: 1" : undefined,
  );
}

function wrongPixels(problem: string, hint?: string): ImageError {
  return new ImageError(problem, { code: "image_pixels", ...(hint === undefined ? {} : { hint }) });
}

function repeatGrey(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(3 * grey.length);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i]!, 3 * i, 3 * i + 3);
  return rgb;
}

/** Some of the bands of every pixel, in the order asked for. */
export function pickBands(pixels: Uint8Array, bands: number, picked: readonly number[]): Uint8Array {
  const result = new Uint8Array((pixels.length / bands) * picked.length);
  for (let from = 0, to = 0; from < pixels.length; from += bands)
    for (const band of picked) result[to++] = pixels[from + band]!;
  return result;
}

/** RGB, seen through its alpha, over a colour. In place. */
export function layOver(rgb: Uint8Array, alpha: Uint8Array, background: Rgb): Uint8Array {
  for (let pixel = 0, at = 0; at < rgb.length; pixel++)
    for (let channel = 0; channel < 3; channel++, at++) {
      const opacity = alpha[pixel]!;
      rgb[at] = (rgb[at]! * opacity + background[channel]! * (255 - opacity)) / 255 + 0.5;
    }
  return rgb;
}
