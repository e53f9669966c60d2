// What is kept of a picture besides its features: enough to tell odd pictures and to compare two of them, at about a kilobyte each.
import type { RawImage } from "../image/raw-image.ts";
import { parseTransform } from "../image/transform.ts";
import { pictureView } from "../image/view.ts";

/** Side of the thumbnail that facts are taken from. */
export const THUMBNAIL_SIDE = 32;

/** The whole picture made square. A decoder that is told may leave out what nobody will see. */
export const THUMBNAIL_TRANSFORM = parseTransform(`resize(${THUMBNAIL_SIDE},${THUMBNAIL_SIDE},box)`);

export interface PictureFacts {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Whether no colour is in it. */
  readonly isGrey: boolean;
  /** How far its brightest and darkest spots are apart, 0 to 255, in the channel where they are farthest. */
  readonly range: number;
  /** Luminance of the thumbnail, row by row. (32, 32) */
  readonly thumbnail: Uint8Array;
}

/** Compression leaves a little colour in grey pictures. */
const MOST_GREY_DIFFERENCE = 8;

/** @param picture as decoded, or the view of it that `THUMBNAIL_TRANSFORM` makes */
export function pictureFacts(picture: RawImage): PictureFacts {
  const { pixels, width, height } = pictureView(picture, THUMBNAIL_TRANSFORM);
  const { data } = pixels;
  const thumbnail = new Uint8Array(data.length / 3);
  const low = [255, 255, 255];
  const high = [0, 0, 0];
  let colour = 0;
  for (let i = 0; i < thumbnail.length; i++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * i, 3 * i + 3);
    const rgb = [red, green, blue];
    for (let c = 0; c < 3; c++) {
      low[c] = Math.min(low[c]!, rgb[c]!);
      high[c] = Math.max(high[c]!, rgb[c]!);
    }
    colour = Math.max(colour, Math.max(...rgb) - Math.min(...rgb));
    thumbnail[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return {
    width,
    height,
    isGrey: colour <= MOST_GREY_DIFFERENCE,
    range: Math.max(...high.map((value, c) => value - low[c]!)),
    thumbnail,
  };
}
