// Decoded pixels: 8-bit RGB, row-major, interleaved, upright (EXIF rotation applied). The only picture type in the library.
import { ImageError, LimitError } from "../errors.ts";

/** An RGB picture. `data.length === width * height * 3`. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** R, G, B, R, G, B, … row by row. */
  readonly data: Uint8Array;
  /** Set where these pixels are not a picture's own but what a model sees of it (`ViewOptions`): the picture's size. */
  readonly viewOf?: PictureSize;
  /** What else the model sees of that picture, where several views of it were asked for. */
  readonly otherViews?: readonly RawImage[];
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

export const DECODINGS = ["exact", "fast"] as const;
/**
 * How a picture is decoded for a model that sees far fewer pixels than there are: "exact" decodes them all and gives Pillow's numbers; "fast" lets
 * JPEG and WebP decoders leave out detail that would be averaged away, which is several times as fast for photographs and changes a few
 * of the numbers a little. Pictures that gain nothing are decoded exactly.
 */
export type Decoding = (typeof DECODINGS)[number];

/** Limits and choices for decoding. Limits are checked on the header, before pixels are allocated. */
export interface DecodeOptions {
  /** Default 256 MiB. */
  readonly maxBytes?: number;
  /** Width times height. Default 268 million (16384 x 16384). */
  readonly maxPixels?: number;
  /** What shows through transparent pixels. Default white. */
  readonly background?: readonly [red: number, green: number, blue: number];
  /** Default "fast" for what is classified and embedded, "exact" for what is evaluated or handed out as pixels. */
  readonly decode?: Decoding;
  /**
   * Called before memory is taken, with its bytes: of a file that is read, and of the pixels, once their number is known. What it returns is
   * waited for, so that pictures that are read side by side can be kept from taking too much together.
   */
  readonly reserve?: (bytes: number) => Promise<void>;
}

export const DEFAULT_MAX_BYTES = 256 * 2 ** 20;
export const DEFAULT_MAX_PIXELS = 2 ** 28;

/** Throws ImageError unless these are a picture's width and height. */
export function requireSize(width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new ImageError(
      `a picture needs a width and a height, whole numbers of at least 1, got ${width} x ${height}`,
      {
        code: "image_pixels",
      },
    );
}

/** Throws LimitError when a picture of this size would be too large. */
export function requireFewPixels({ width, height }: Pick<RawImage, "width" | "height">, maxPixels: number): void {
  if (width * height > maxPixels)
    throw new LimitError(
      `a picture of ${width} x ${height}`,
      width * height,
      maxPixels,
      "pixels",
      "scale it down first; a program may pass maxPixels, or the pixels themselves",
    );
}

/** A checked RawImage. Throws ImageError when sizes do not fit. */
export function rawImage(width: number, height: number, data: Uint8Array): RawImage {
  requireSize(width, height);
  if (data.length !== width * height * 3)
    throw new ImageError(`a ${width} x ${height} RGB picture needs ${width * height * 3} bytes, got ${data.length}`);
  return { width, height, data };
}
