// The two passes of src/image/resample.ts in WebAssembly with SIMD. This is AssemblyScript; `node scripts/build-wasm.mjs` makes
// src/image/resample-wasm.ts of it. All arrays lie in the module's memory, which the caller lays out: nothing is allocated here.
//
// Sums are those of Pillow: 22 bits of fraction, added to a half, shifted, clipped. They are taken modulo 2^32, so the order does not matter.

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);
/** A weight is high * 2^11 + low, both in 16 bits, because products of 16 bits are the fastest there are. */
const LOW_BITS = 11;

/** Two neighbouring pixels of three bytes as pairs of 16 bits: red and red, green and green, blue and blue, nothing. */
// biome-ignore format: one pair a column
const FIRST_PAIR: v128 = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
// biome-ignore format: one pair a column
const SECOND_PAIR: v128 = i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);

/**
 * The horizontal pass over `rows` rows of RGB pixels. It reads `12 * groups + 4` bytes for each output, beyond the row's end too.
 *
 * @param starts for each output the byte of the row where its first pixel lies, 32 bits
 * @param high `4 * groups` high parts of weights for each output, 16 bits; zeros where there are fewer pixels
 * @param low the low parts
 * @param target `width` pixels a row, rows close together
 */
export function columns(
  source: usize,
  rowBytes: usize,
  rows: i32,
  starts: usize,
  high: usize,
  low: usize,
  groups: i32,
  target: usize,
  width: i32,
): void {
  const weightBytes: usize = usize(groups) * 8;
  for (let row = 0; row < rows; row += 2) {
    // Two rows share each weight that is loaded. An odd last row is its own partner, written twice.
    const above: usize = source + usize(row) * rowBytes;
    const below: usize = row + 1 < rows ? above + rowBytes : above;
    let toAbove: usize = target + usize(row) * usize(width) * 3;
    let toBelow: usize = row + 1 < rows ? toAbove + usize(width) * 3 : toAbove;
    let highAt = high;
    let lowAt = low;
    for (let x = 0; x < width; x++) {
      const start: usize = load<u32>(starts + (usize(x) << 2));
      let above1 = above + start;
      let below1 = below + start;
      let highAbove = i32x4.splat(0);
      let highBelow = i32x4.splat(0);
      let lowAbove = i32x4.splat(HALF);
      let lowBelow = i32x4.splat(HALF);
      const end = highAt + weightBytes;
      while (highAt < end) {
        const firstHigh = v128.load32_splat(highAt);
        const firstLow = v128.load32_splat(lowAt);
        const secondHigh = v128.load32_splat(highAt, 4);
        const secondLow = v128.load32_splat(lowAt, 4);
        let pixels = v128.load(above1);
        let first = i8x16.swizzle(pixels, FIRST_PAIR);
        let second = i8x16.swizzle(pixels, SECOND_PAIR);
        highAbove = i32x4.add(highAbove, i32x4.dot_i16x8_s(first, firstHigh));
        lowAbove = i32x4.add(lowAbove, i32x4.dot_i16x8_s(first, firstLow));
        highAbove = i32x4.add(highAbove, i32x4.dot_i16x8_s(second, secondHigh));
        lowAbove = i32x4.add(lowAbove, i32x4.dot_i16x8_s(second, secondLow));
        pixels = v128.load(below1);
        first = i8x16.swizzle(pixels, FIRST_PAIR);
        second = i8x16.swizzle(pixels, SECOND_PAIR);
        highBelow = i32x4.add(highBelow, i32x4.dot_i16x8_s(first, firstHigh));
        lowBelow = i32x4.add(lowBelow, i32x4.dot_i16x8_s(first, firstLow));
        highBelow = i32x4.add(highBelow, i32x4.dot_i16x8_s(second, secondHigh));
        lowBelow = i32x4.add(lowBelow, i32x4.dot_i16x8_s(second, secondLow));
        above1 += 12;
        below1 += 12;
        highAt += 8;
        lowAt += 8;
      }
      storePixel(toAbove, i32x4.add(i32x4.shl(highAbove, LOW_BITS), lowAbove));
      storePixel(toBelow, i32x4.add(i32x4.shl(highBelow, LOW_BITS), lowBelow));
      toAbove += 3;
      toBelow += 3;
    }
  }
}

function storePixel(at: usize, sums: v128): void {
  const bytes = clipped(sums, sums, sums, sums);
  v128.store16_lane(at, bytes, 0);
  v128.store8_lane(at, bytes, 2, 2);
}

/**
 * The vertical pass, for `height` rows. It reads and writes up to 15 bytes beyond a row's end.
 *
 * @param source rows of `rowBytes` bytes, close together
 * @param starts for each output where its first row lies, in bytes from `source`, 32 bits
 * @param counts for each output its number of rows, 32 bits
 * @param weights `stride` weights for each output, 32 bits
 * @param target rows `targetStride` bytes apart
 */
export function rows(
  source: usize,
  rowBytes: usize,
  starts: usize,
  counts: usize,
  weights: usize,
  stride: i32,
  target: usize,
  targetStride: usize,
  height: i32,
): void {
  for (let y = 0; y < height; y++) {
    const from: usize = source + load<u32>(starts + (usize(y) << 2));
    const first: usize = weights + ((usize(y) * usize(stride)) << 2);
    const end: usize = first + (usize(load<u32>(counts + (usize(y) << 2))) << 2);
    const to: usize = target + usize(y) * targetStride;
    for (let x: usize = 0; x < rowBytes; x += 16) {
      let s0 = i32x4.splat(HALF);
      let s1 = i32x4.splat(HALF);
      let s2 = i32x4.splat(HALF);
      let s3 = i32x4.splat(HALF);
      let at = from + x;
      for (let j = first; j < end; j += 4) {
        const weight = v128.load32_splat(j);
        const bytes = v128.load(at);
        const left = i16x8.extend_low_i8x16_u(bytes);
        const right = i16x8.extend_high_i8x16_u(bytes);
        s0 = i32x4.add(s0, i32x4.mul(i32x4.extend_low_i16x8_u(left), weight));
        s1 = i32x4.add(s1, i32x4.mul(i32x4.extend_high_i16x8_u(left), weight));
        s2 = i32x4.add(s2, i32x4.mul(i32x4.extend_low_i16x8_u(right), weight));
        s3 = i32x4.add(s3, i32x4.mul(i32x4.extend_high_i16x8_u(right), weight));
        at += rowBytes;
      }
      v128.store(to + x, clipped(s0, s1, s2, s3));
    }
  }
}

/** Sixteen sums as bytes. */
function clipped(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const left = i16x8.narrow_i32x4_s(i32x4.shr_s(s0, PRECISION_BITS), i32x4.shr_s(s1, PRECISION_BITS));
  const right = i16x8.narrow_i32x4_s(i32x4.shr_s(s2, PRECISION_BITS), i32x4.shr_s(s3, PRECISION_BITS));
  return i8x16.narrow_i16x8_u(left, right);
}
