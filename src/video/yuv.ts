// Planes of YUV to RGB, by the matrix and the range that are named, rounded to the nearest. Chroma is that of its block and is not interpolated, as
// in ffmpeg's and the browsers' own conversion.
import type { YuvMatrix } from "./yuv-matrix.ts";

/** Where a plane lies, in bytes. */
export interface PlanePlace {
  readonly offset: number;
  readonly stride: number;
}

/** A form of pixels as WebCodecs names it: how chroma is halved, and bits of a value. */
interface Form {
  readonly halvesX: 0 | 1;
  readonly halvesY: 0 | 1;
  readonly bits: 8 | 10 | 12;
  /** Whether U and V lie side by side in one plane. */
  readonly isPaired: boolean;
}

function formOf(format: string): Form | undefined {
  if (format === "NV12") return { halvesX: 1, halvesY: 1, bits: 8, isPaired: true };
  const [, sampling, depth] = /^I(420|422|444)A?(?:P(10|12))?$/.exec(format) ?? [];
  if (sampling === undefined) return undefined;
  return {
    halvesX: sampling === "444" ? 0 : 1,
    halvesY: sampling === "420" ? 1 : 0,
    bits: depth === "10" ? 10 : depth === "12" ? 12 : 8,
    isPaired: false,
  };
}

/** Whether pixels of this form become RGB here. */
export const isYuvFormat = (format: string): boolean => formOf(format) !== undefined;

/** Kr and Kb of ITU's recommendations and of the older standards. */
const WEIGHTS: Readonly<Record<YuvMatrix, readonly [red: number, blue: number]>> = {
  bt601: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  bt2020: [0.2627, 0.0593],
  fcc: [0.3, 0.11],
  smpte240m: [0.212, 0.087],
};

const SHIFT = 16;

/**
 * RGB, `width * height * 3` bytes.
 *
 * @param format "I420", "NV12", "I422P10", …: one that `isYuvFormat` knows
 * @param planes of Y, U and V; of Y and both for NV12
 * @param isFullRange whether black is 0, else it is 16 of 255
 */
export function yuvToRgb(
  bytes: Uint8Array,
  planes: readonly PlanePlace[],
  format: string,
  { width, height }: { readonly width: number; readonly height: number },
  matrix: YuvMatrix,
  isFullRange: boolean,
): Uint8Array {
  const form = formOf(format);
  if (form === undefined) throw new TypeError(`pixels of the form ${format}`);
  const { luma, redOfV, greenOfU, greenOfV, blueOfU } = tables(matrix, isFullRange, form.bits);
  const [y, u, v] = form.isPaired
    ? [planes[0]!, planes[1]!, { ...planes[1]!, offset: planes[1]!.offset + 1 }]
    : [planes[0]!, planes[1]!, planes[2]!];
  const size = form.bits === 8 ? 1 : 2;
  const values = size === 1 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 2));
  const step = form.isPaired ? 2 : 1;
  const rgb = new Uint8ClampedArray(width * height * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    const yRow = (y.offset + row * y.stride) / size;
    const uRow = (u.offset + (row >> form.halvesY) * u.stride) / size;
    const vRow = (v.offset + (row >> form.halvesY) * v.stride) / size;
    for (let x = 0; x < width; x++) {
      const chroma = (x >> form.halvesX) * step;
      const light = luma[values[yRow + x]!]!;
      const blueness = values[uRow + chroma]!;
      const redness = values[vRow + chroma]!;
      rgb[to++] = (light + redOfV[redness]!) >> SHIFT;
      rgb[to++] = (light + greenOfU[blueness]! + greenOfV[redness]!) >> SHIFT;
      rgb[to++] = (light + blueOfU[blueness]!) >> SHIFT;
    }
  }
  return new Uint8Array(rgb.buffer);
}

interface Tables {
  readonly luma: Int32Array;
  readonly redOfV: Int32Array;
  readonly greenOfU: Int32Array;
  readonly greenOfV: Int32Array;
  readonly blueOfU: Int32Array;
}

const made = new Map<string, Tables>();

/** What each value adds, in 65536ths; half of one is added with the light, so that shifting rounds. */
function tables(matrix: YuvMatrix, isFullRange: boolean, bits: number): Tables {
  const key = `${matrix} ${isFullRange} ${bits}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const [red, blue] = WEIGHTS[matrix];
  const green = 1 - red - blue;
  const unit = 2 ** (bits - 8);
  const [black, lumaRange, chromaRange] = isFullRange ? [0, 255, 255] : [16, 219, 224];
  const most = isFullRange ? (2 ** bits - 1) / 255 : unit;
  const table = (of: (value: number) => number) =>
    Int32Array.from({ length: 2 ** bits }, (_, value) => Math.round(of(value) * 2 ** SHIFT));
  const chroma = (factor: number) => table((value) => (factor * 255 * (value - 128 * unit)) / (chromaRange * most));
  const result: Tables = {
    luma: table((value) => (255 * (value - black * unit)) / (lumaRange * most) + 0.5),
    redOfV: chroma(2 * (1 - red)),
    greenOfU: chroma((-2 * blue * (1 - blue)) / green),
    greenOfV: chroma((-2 * red * (1 - red)) / green),
    blueOfU: chroma(2 * (1 - blue)),
  };
  made.set(key, result);
  return result;
}
