// EXIF's orientation (tag 0x0112) where a decoder does not apply it.
import type { RawImage } from "./raw-image.ts";
import { readTags } from "./tiff-bands.ts";

const ORIENTATION = 0x0112;

/** What the EXIF chunk of a WebP says, 1 to 8; 1 where there is none. */
export function webpOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = String.fromCharCode(...bytes.subarray(at, at + 4));
    const size = view.getUint32(at + 4, true);
    if (name === "EXIF") return exifOrientation(bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size + (size & 1); // chunks are padded to an even length
  }
  return 1;
}

/** @param exif a TIFF, perhaps after the mark that JPEG files put before it */
function exifOrientation(exif: Uint8Array): number {
  const isMarked = String.fromCharCode(...exif.subarray(0, 6)) === "Exif\0\0";
  const [orientation = 1] = readTags(isMarked ? exif.subarray(6) : exif, [ORIENTATION]).get(ORIENTATION) ?? [];
  return Number.isInteger(orientation) && orientation >= 1 && orientation <= 8 ? orientation : 1;
}

/** Of the stored picture: whether rows become columns, and which axes of the upright picture run backwards. */
const TURNS: readonly (readonly [swaps: boolean, flipsX: boolean, flipsY: boolean])[] = [
  [false, false, false],
  [false, true, false],
  [false, true, true],
  [false, false, true],
  [true, false, false],
  [true, true, false],
  [true, true, true],
  [true, false, true],
];

/** A stored picture, upright. @param orientation 1 to 8 */
export function turnUpright(stored: RawImage, orientation: number): RawImage {
  const [swaps, flipsX, flipsY] = TURNS[orientation - 1] ?? TURNS[0]!;
  if (!swaps && !flipsX && !flipsY) return stored;
  const width = swaps ? stored.height : stored.width;
  const height = swaps ? stored.width : stored.height;
  const data = new Uint8Array(stored.data.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const along = flipsX ? width - 1 - x : x;
      const down = flipsY ? height - 1 - y : y;
      let from = 3 * (swaps ? along * stored.width + down : down * stored.width + along);
      for (let channel = 0; channel < 3; channel++) data[to++] = stored.data[from++]!;
    }
  return { width, height, data };
}
