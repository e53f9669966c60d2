// The two passes of resampling, over whole pictures. WebAssembly does the sums where it is there and has SIMD (wasm/resample.ts), which is several
// times as fast; plain loops elsewhere. Both give the same bytes. Pictures go through the module's memory in bands, so that it stays
// small and in the processor's cache, however large they are.
import type { RawImage } from "./raw-image.ts";
import { RESAMPLE_WASM } from "./resample-wasm.ts";

/** 32 bits less 8 for the pixel and 2 for what negative lobes add. */
export const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);
/** The split of weights in wasm/resample.ts. */
const LOW_BITS = 11;

/** Along one axis: output i is the sum over j < count[i] of weights[i * stride + j] * input[first[i] + j]. */
export interface AxisWeights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

export interface ResampleKernel {
  /** The horizontal pass over `rowCount` rows from `firstRow` on. */
  columns(image: RawImage, axis: AxisWeights, firstRow: number, rowCount: number): RawImage;
  /** The vertical pass. `image` starts at row `firstRow` of what `axis` counts from. */
  rows(image: RawImage, axis: AxisWeights, firstRow: number): RawImage;
}

let chosen: ResampleKernel | undefined;

/** The fastest kernel that runs here. */
export function resampleKernel(): ResampleKernel {
  chosen ??= openWasm() ?? PLAIN_KERNEL;
  return chosen;
}

/** For engines without WebAssembly or its SIMD. */
export const PLAIN_KERNEL: ResampleKernel = {
  columns(image, { first, count, weights, stride }, firstRow, rowCount) {
    const width = first.length;
    const source = image.data;
    const data = new Uint8ClampedArray(width * rowCount * 3);
    let out = 0;
    for (let row = 0; row < rowCount; row++)
      for (let x = 0; x < width; x++) {
        let at = ((firstRow + row) * image.width + first[x]!) * 3;
        let red = HALF;
        let green = HALF;
        let blue = HALF;
        for (let j = x * stride; j < x * stride + count[x]!; j++) {
          const weight = weights[j]!;
          red = (red + Math.imul(source[at]!, weight)) | 0;
          green = (green + Math.imul(source[at + 1]!, weight)) | 0;
          blue = (blue + Math.imul(source[at + 2]!, weight)) | 0;
          at += 3;
        }
        data[out++] = red >> PRECISION_BITS;
        data[out++] = green >> PRECISION_BITS;
        data[out++] = blue >> PRECISION_BITS;
      }
    return { width, height: rowCount, data: new Uint8Array(data.buffer) };
  },
  rows(image, { first, count, weights, stride }, firstRow) {
    const height = first.length;
    const rowBytes = image.width * 3;
    const source = image.data;
    const data = new Uint8ClampedArray(rowBytes * height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < rowBytes; x++) {
        let at = (first[y]! - firstRow) * rowBytes + x;
        let sum = HALF;
        for (let j = y * stride; j < y * stride + count[y]!; j++) {
          sum = (sum + Math.imul(source[at]!, weights[j]!)) | 0;
          at += rowBytes;
        }
        data[y * rowBytes + x] = sum >> PRECISION_BITS;
      }
    return { width: image.width, height, data: new Uint8Array(data.buffer) };
  },
};

/** What wasm/resample.ts exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  columns(
    source: number,
    rowBytes: number,
    rows: number,
    starts: number,
    high: number,
    low: number,
    groups: number,
    target: number,
    width: number,
  ): void;
  rows(
    source: number,
    rowBytes: number,
    starts: number,
    counts: number,
    weights: number,
    stride: number,
    target: number,
    targetStride: number,
    height: number,
  ): void;
}

/** The part of WebAssembly's interface that is used; Node and browsers type it in different places. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
}

function openWasm(): ResampleKernel | undefined {
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly?: WasmApi };
  if (wasm === undefined) return undefined;
  try {
    return new WasmKernel(new wasm.Instance(new wasm.Module(RESAMPLE_WASM)).exports as Exports);
  } catch {
    return undefined; // without SIMD, or not allowed by the page
  }
}

/** Source bytes of a band: with what is made of them they stay in a processor's second cache. */
const BAND_BYTES = 2 ** 18;
/** Beyond the ends of rows so much may be read and written. */
const SLACK = 16;
/** Four pixels. */
const GROUP_BYTES = 12;
const PAGE = 2 ** 16;

class WasmKernel implements ResampleKernel {
  readonly #exports: Exports;

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  columns(image: RawImage, axis: AxisWeights, firstRow: number, rowCount: number): RawImage {
    const width = axis.first.length;
    const left = axis.first[0]!;
    const rowBytes = (axis.first.at(-1)! + axis.count.at(-1)! - left) * 3;
    const bandRows = Math.min(rowCount, Math.max(2, Math.floor(BAND_BYTES / rowBytes)));
    const starts = axis.first.map((first) => (first - left) * 3);
    const { high, low, groups } = splitWeights(axis);
    const room = new Room();
    // An output at the right edge has fewer pixels than groups: what it reads beyond the last row counts nothing, but must be there.
    const source = room.take(bandRows * rowBytes + groups * GROUP_BYTES + SLACK);
    const target = room.take(bandRows * width * 3);
    const [startsAt, highAt, lowAt] = [starts, high, low].map(({ byteLength }) => room.take(byteLength));
    const memory = this.#memory(room.bytes);
    memory.set(bytesOf(starts), startsAt);
    memory.set(bytesOf(high), highAt);
    memory.set(bytesOf(low), lowAt);
    const data = new Uint8Array(width * rowCount * 3);
    for (let row = 0; row < rowCount; row += bandRows) {
      const count = Math.min(bandRows, rowCount - row);
      for (let i = 0; i < count; i++) {
        const from = ((firstRow + row + i) * image.width + left) * 3;
        memory.set(image.data.subarray(from, from + rowBytes), source + i * rowBytes);
      }
      this.#exports.columns(source, rowBytes, count, startsAt!, highAt!, lowAt!, groups, target, width);
      data.set(memory.subarray(target, target + count * width * 3), row * width * 3);
    }
    return { width, height: rowCount, data };
  }

  rows(image: RawImage, axis: AxisWeights, firstRow: number): RawImage {
    const { first, count, weights, stride } = axis;
    const height = first.length;
    const rowBytes = image.width * 3;
    const targetStride = rowBytes + SLACK;
    const bands = bandsOf(axis, Math.floor(BAND_BYTES / rowBytes));
    const room = new Room();
    const source = room.take(Math.max(...bands.map(({ rows }) => rows)) * rowBytes + SLACK);
    const target = room.take(Math.max(...bands.map(({ start, end }) => end - start)) * targetStride);
    const starts = new Int32Array(height);
    const [startsAt, countsAt, weightsAt] = [starts, count, weights].map(({ byteLength }) => room.take(byteLength));
    for (const { start, end } of bands)
      for (let y = start; y < end; y++) starts[y] = (first[y]! - first[start]!) * rowBytes;
    const memory = this.#memory(room.bytes);
    memory.set(bytesOf(starts), startsAt);
    memory.set(bytesOf(count), countsAt);
    memory.set(bytesOf(weights), weightsAt);
    const data = new Uint8Array(rowBytes * height);
    for (const { start, end, rows } of bands) {
      const from = (first[start]! - firstRow) * rowBytes;
      memory.set(image.data.subarray(from, from + rows * rowBytes), source);
      const [startAt, countAt, weightAt] = [
        startsAt! + 4 * start,
        countsAt! + 4 * start,
        weightsAt! + 4 * stride * start,
      ];
      this.#exports.rows(source, rowBytes, startAt, countAt, weightAt, stride, target, targetStride, end - start);
      for (let y = start; y < end; y++) {
        const at = target + (y - start) * targetStride;
        data.set(memory.subarray(at, at + rowBytes), y * rowBytes);
      }
    }
    return { width: image.width, height, data };
  }

  /** The module's memory with at least so many bytes. */
  #memory(bytes: number): Uint8Array {
    const { memory } = this.#exports;
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    return new Uint8Array(memory.buffer);
  }
}

/** Places in memory, one behind another. */
class Room {
  bytes = 0;

  take(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / SLACK) * SLACK;
    return at;
  }
}

/** Weights as high * 2^11 + low, four pixels a group, as many groups for every output. */
function splitWeights({ count, weights, stride }: AxisWeights): { high: Int16Array; low: Int16Array; groups: number } {
  const groups = Math.ceil(count.reduce((most, one) => Math.max(most, one), 0) / 4);
  const high = new Int16Array(count.length * groups * 4);
  const low = new Int16Array(high.length);
  for (let i = 0; i < count.length; i++)
    for (let j = 0; j < count[i]!; j++) {
      const weight = weights[i * stride + j]!;
      high[i * groups * 4 + j] = weight >> LOW_BITS;
      low[i * groups * 4 + j] = weight & ((1 << LOW_BITS) - 1);
    }
  return { high, low, groups };
}

/** Outputs `start` to `end`, which together need `rows` rows of the source from the first one's on. */
interface Band {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
}

/** Neighbouring outputs that together need at most `limit` rows, or one that needs more. */
function bandsOf({ first, count }: AxisWeights, limit: number): Band[] {
  const bands: Band[] = [];
  let start = 0;
  for (let y = 0; y < first.length; y++) {
    const isLast = y + 1 === first.length;
    if (!isLast && first[y + 1]! + count[y + 1]! - first[start]! <= limit) continue;
    bands.push({ start, end: y + 1, rows: first[y]! + count[y]! - first[start]! });
    start = y + 1;
  }
  return bands;
}

function bytesOf(array: Int32Array | Int16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
