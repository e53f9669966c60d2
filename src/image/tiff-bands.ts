// Which of a TIFF's bands are colours, which is alpha, and which are neither. Decoders take a fourth band for alpha whatever it is; the file says
// it better (TIFF 6.0: PhotometricInterpretation, SamplesPerPixel, ExtraSamples, InkSet).
import { ImageError } from "../errors.ts";

/** The bands of a pixel. */
export interface TiffBands {
  /** The first ones: 1 grey, 3 red, green and blue, 4 inks. */
  readonly colors: number;
  /** Bands after the colours. */
  readonly extra: number;
  /** The extra band that is alpha, counted from the first extra one; undefined when none says that it is. */
  readonly alpha: number | undefined;
}

const PHOTOMETRIC = 262;
const SAMPLES_PER_PIXEL = 277;
const INK_SET = 332;
const EXTRA_SAMPLES = 338;
const PALETTE = 3;
const CMYK = 5;
const NOT_CMYK = 2;
/** ExtraSamples: alpha that colours have been multiplied by, and alpha that they have not. 0 is a band of which nothing is said. */
const ASSOCIATED_ALPHA = 1;
const ALPHA = 2;
/** PhotometricInterpretation to its number of colours: white or black is zero, RGB, palette, CMYK, YCbCr, three kinds of Lab. */
const COLORS: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 3],
  [PALETTE, 1],
  [CMYK, 4],
  [6, 3],
  [8, 3],
  [9, 3],
  [10, 3],
]);
/** The decoder's own limit. */
const MOST_BANDS = 5;

/**
 * The bands of the first picture in a TIFF; undefined where its directory does not say, or where there is nothing beside the colours.
 *
 * @throws ImageError when it cannot be told which bands to look at
 */
export function tiffBands(bytes: Uint8Array): TiffBands | undefined {
  const tags = readTags(bytes, [PHOTOMETRIC, SAMPLES_PER_PIXEL, INK_SET, EXTRA_SAMPLES]);
  const [photometric] = tags.get(PHOTOMETRIC) ?? [];
  const [samples = 1] = tags.get(SAMPLES_PER_PIXEL) ?? [];
  const colors = photometric === undefined ? undefined : COLORS.get(photometric);
  if (photometric === CMYK && tags.get(INK_SET)?.[0] === NOT_CMYK)
    throw unclear("its inks are not cyan, magenta, yellow and black", samples);
  if (colors === undefined || samples <= colors) return undefined;
  const extra = samples - colors;
  if (colors === 1 && extra > 1)
    throw unclear(`it has ${samples} bands and does not say which are red, green and blue`, samples);
  if (photometric === PALETTE) throw unclear("it has a palette and other bands beside it", samples);
  if (samples > MOST_BANDS) throw unclear(`it has ${samples} bands, and ${MOST_BANDS} are read at most`, samples);
  const kinds = (tags.get(EXTRA_SAMPLES) ?? []).slice(0, extra);
  const alpha = kinds.findIndex((kind) => kind === ASSOCIATED_ALPHA || kind === ALPHA);
  if (alpha > 0 && kinds[alpha] === ASSOCIATED_ALPHA)
    throw unclear("its colours are multiplied by an alpha that is not the first band after them", samples);
  return { colors, extra, alpha: alpha === -1 ? undefined : alpha };
}

function unclear(problem: string, samples: number): ImageError {
  return new ImageError(`the TIFF picture cannot be read: ${problem}`, {
    code: "image_unsupported",
    hint: "save what is to be seen as RGB, with three bands",
    data: { format: "tiff", bands: samples },
  });
}

/** More values than any picture that is read has bands. */
const MOST_VALUES = 64;

/** Whole numbers of the first directory of a TIFF, or of EXIF, by tag. What lies outside of the file is left out. */
export function readTags(bytes: Uint8Array, wanted: readonly number[]): Map<number, readonly number[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const big = bytes[2] === 43 || bytes[3] === 43; // BigTIFF
  const number = (at: number, size: number): number => {
    if (at < 0 || at + size > bytes.length) return Number.NaN;
    if (size === 8) return Number(view.getBigUint64(at, little));
    return size === 4 ? view.getUint32(at, little) : size === 2 ? view.getUint16(at, little) : view.getUint8(at);
  };
  const offsetSize = big ? 8 : 4;
  const directory = number(big ? 8 : 4, offsetSize);
  const entries = number(directory, big ? 8 : 2);
  const entrySize = big ? 20 : 12;
  const tags = new Map<number, readonly number[]>();
  for (let i = 0; i < entries; i++) {
    const at = directory + (big ? 8 : 2) + i * entrySize;
    if (!(at + entrySize <= bytes.length)) break;
    const tag = number(at, 2);
    const size = { 1: 1, 3: 2, 4: 4 }[number(at + 2, 2)];
    if (size === undefined || !wanted.includes(tag)) continue;
    const count = Math.min(number(at + 4, offsetSize), MOST_VALUES);
    const inline = at + 4 + offsetSize;
    const start = count * size <= offsetSize ? inline : number(inline, offsetSize);
    tags.set(
      tag,
      Array.from({ length: count }, (_, value) => number(start + value * size, size)),
    );
  }
  return tags;
}
