// Changes of colour, pixel by pixel, as Pillow's ImageOps and ImageEnhance do them on 8-bit RGB (src/PIL/ImageOps.py, ImageEnhance.py,
// src/libImaging/Blend.c, Convert.c, Filter.c): the same roundings, so that what a model was trained behind elsewhere is the same here.
import type { RawImage } from "./raw-image.ts";

type Table = Uint8ClampedArray;

/** Every channel from 0 to 255: ImageOps.autocontrast without a cutoff. */
export function autoContrast(image: RawImage): RawImage {
  return mapChannels(
    image,
    histograms(image).map((counts) => {
      const low = counts.findIndex((count) => count > 0);
      const high = counts.findLastIndex((count) => count > 0);
      if (high <= low) return makeTable((value) => value);
      const scale = 255 / (high - low);
      const offset = -low * scale;
      return makeTable((value) => Math.trunc(value * scale + offset));
    }),
  );
}

/** Every channel with a flat histogram: ImageOps.equalize. */
export function equalize(image: RawImage): RawImage {
  return mapChannels(
    image,
    histograms(image).map((counts) => {
      const used = counts.filter((count) => count > 0);
      const step = Math.floor((image.width * image.height - used.at(-1)!) / 255);
      if (used.length <= 1 || step === 0) return makeTable((value) => value);
      let below = Math.floor(step / 2);
      return makeTable((value) => {
        const level = Math.floor(below / step);
        below += counts[value]!;
        return level;
      });
    }),
  );
}

/** The negative. */
export function invert(image: RawImage): RawImage {
  return mapAll(
    image,
    makeTable((value) => 255 - value),
  );
}

/** Keeps the highest `bits` bits (0 to 8) of every value. */
export function posterize(image: RawImage, bits: number): RawImage {
  const mask = ~(2 ** (8 - bits) - 1);
  return mapAll(
    image,
    makeTable((value) => value & mask),
  );
}

/** The negative of what is as bright as `threshold` or brighter. */
export function solarize(image: RawImage, threshold: number): RawImage {
  return mapAll(
    image,
    makeTable((value) => (value < threshold ? value : 255 - value)),
  );
}

/** Brightens what is darker than 128 by `amount`. */
export function solarizeAdd(image: RawImage, amount: number): RawImage {
  return mapAll(
    image,
    makeTable((value) => (value < 128 ? value + amount : value)),
  );
}

/** ImageEnhance.Brightness: 0 is black, 1 the picture itself. */
export function adjustBrightness(image: RawImage, factor: number): RawImage {
  return mapAll(
    image,
    makeTable((value) => blend(0, value, factor)),
  );
}

/** ImageEnhance.Contrast: 0 is one grey, the picture's mean, 1 the picture itself. */
export function adjustContrast(image: RawImage, factor: number): RawImage {
  const { data } = image;
  let sum = 0;
  for (let at = 0; at < data.length; at += 3) sum += luma(data, at);
  const mean = Math.trunc(sum / (image.width * image.height) + 0.5);
  return mapAll(
    image,
    makeTable((value) => blend(mean, value, factor)),
  );
}

/** ImageEnhance.Color: 0 is black and white, 1 the picture itself, above it colours are stronger. */
export function adjustColor(image: RawImage, factor: number): RawImage {
  const source = image.data;
  const data = new Uint8Array(source.length);
  for (let at = 0; at < source.length; at += 3) {
    const grey = luma(source, at);
    data[at] = blend(grey, source[at]!, factor);
    data[at + 1] = blend(grey, source[at + 1]!, factor);
    data[at + 2] = blend(grey, source[at + 2]!, factor);
  }
  return { width: image.width, height: image.height, data };
}

/** ImageEnhance.Sharpness: 0 is smoothed, 1 the picture itself, above it edges are stronger. The border stays. */
export function adjustSharpness(image: RawImage, factor: number): RawImage {
  const { width, height } = image;
  const source = image.data;
  const data = source.slice();
  const rowBytes = width * 3;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * rowBytes - 3;
    for (let at = y * rowBytes + 3; at < end; at++) {
      const above = at - rowBytes;
      const below = at + rowBytes;
      const around =
        source[above - 3]! +
        source[above]! +
        source[above + 3]! +
        source[at - 3]! +
        source[at + 3]! +
        source[below - 3]!;
      const sum = around + source[below]! + source[below + 3]! + 5 * source[at]!;
      // The kernel's 13ths, rounded. 13 is odd, so there are no ties that floats could tip.
      const smooth = Math.floor(sum / 13 + 0.5);
      data[at] = blend(smooth, source[at]!, factor);
    }
  }
  return { width, height, data };
}

/**
 * Turns all colours by `shift` (-0.5 to 0.5 of the colour circle) through Pillow's 8-bit HSV, as torchvision's adjust_hue does.
 */
export function adjustHue(image: RawImage, shift: number): RawImage {
  const source = image.data;
  const data = new Uint8Array(source.length);
  const turn = Math.trunc(shift * 255) & 255;
  for (let at = 0; at < source.length; at += 3) turnPixel(source, data, at, turn);
  return { width: image.width, height: image.height, data };
}

/** rgb2hsv_row and hsv2rgb of Convert.c in one, with their roundings to 8 bits in between. */
function turnPixel(source: Uint8Array, out: Uint8Array, at: number, turn: number): void {
  const { fround } = Math;
  const red = source[at]!;
  const green = source[at + 1]!;
  const blue = source[at + 2]!;
  const value = Math.max(red, green, blue);
  const range = value - Math.min(red, green, blue);
  let hue = 0;
  let saturation = 0;
  if (range > 0) {
    const rc = fround((value - red) / range);
    const gc = fround((value - green) / range);
    const bc = fround((value - blue) / range);
    const sixths = red === value ? fround(bc - gc) : fround(green === value ? 2 + rc - bc : 4 + gc - rc);
    const circle = fround((sixths / 6 + 1) % 1);
    hue = clip(Math.trunc(circle * 255));
    saturation = clip(Math.trunc(fround(range / value) * 255));
  }
  hue = (hue + turn) & 255;
  if (saturation === 0) {
    out.fill(value, at, at + 3);
    return;
  }
  const sector = fround((hue * 6) / 255);
  const index = Math.floor(sector);
  const f = fround(sector - index);
  const fraction = fround(saturation / 255);
  const p = clip(round(value * (1 - fraction)));
  const q = clip(round(value * (1 - fround(fraction * f))));
  const t = clip(round(value * (1 - fround(fraction * fround(1 - f)))));
  const sectors = [
    [value, t, p],
    [q, value, p],
    [p, value, t],
    [p, q, value],
    [t, p, value],
    [value, p, q],
  ] as const;
  out.set(sectors[index % 6]!, at);
}

const clip = (value: number): number => Math.min(255, Math.max(0, value));

/** C's round(): halves away from zero (values here are not negative). */
const round = (value: number): number => Math.floor(value + 0.5);

/** ImagingBlend in float32, with extrapolation: the result is truncated, not rounded. */
function blend(from: number, to: number, factor: number): number {
  const { fround } = Math;
  const value = fround(from + fround(fround(factor) * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}

/** Pillow's RGB to L: ITU-R 601-2 in 16-bit fixed point. */
function luma(data: Uint8Array, at: number): number {
  return (data[at]! * 19595 + data[at + 1]! * 38470 + data[at + 2]! * 7471 + 0x8000) >> 16;
}

function histograms(image: RawImage): Uint32Array[] {
  const counts = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const;
  const [red, green, blue] = counts;
  const { data } = image;
  for (let at = 0; at < data.length; at += 3) {
    red[data[at]!]!++;
    green[data[at + 1]!]!++;
    blue[data[at + 2]!]!++;
  }
  return [...counts];
}

/** What each of 256 values becomes, clipped to 0..255. */
function makeTable(map: (value: number) => number): Table {
  const table = new Uint8ClampedArray(256);
  for (let value = 0; value < 256; value++) table[value] = map(value);
  return table;
}

function mapAll(image: RawImage, table: Table): RawImage {
  return mapChannels(image, [table, table, table]);
}

function mapChannels(image: RawImage, tables: readonly Table[]): RawImage {
  const [red, green, blue] = tables as readonly [Table, Table, Table];
  const source = image.data;
  const data = new Uint8Array(source.length);
  for (let at = 0; at < source.length; at += 3) {
    data[at] = red[source[at]!]!;
    data[at + 1] = green[source[at + 1]!]!;
    data[at + 2] = blue[source[at + 2]!]!;
  }
  return { width: image.width, height: image.height, data };
}
