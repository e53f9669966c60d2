// Concrete tensors: a dtype, a shape and a typed array, row-major. The one value type that weights, graph, sessions and tasks exchange.
// Half-precision numbers are kept as their raw 16 bits; `toFloat32` and friends convert.
import { SaccadeError } from "./errors.ts";

/** Element types. float16 and bfloat16 are stored as raw bits in a Uint16Array, int64 as BigInt64Array, bool as 0/1 bytes. */
export type DType =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

export interface TypedArrayOf {
  float64: Float64Array;
  float32: Float32Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}
export type TypedArray = TypedArrayOf[DType];

export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

const ARRAY_CLASS = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** A row-major value. `data.length` equals the product of `shape`. */
export interface TensorData<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TypedArrayOf[D];
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** A checked tensor. Throws when the data's length or class does not fit. */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: TypedArrayOf[D]): TensorData<D> {
  if (data.length !== elementCount(shape))
    throw new SaccadeError(
      "tensor",
      `a ${dtype} tensor of shape [${shape.join(", ")}] needs ${elementCount(shape)} elements, got ${data.length}`,
    );
  if (!(data instanceof ARRAY_CLASS[dtype]))
    throw new SaccadeError("tensor", `${dtype} data must be a ${ARRAY_CLASS[dtype].name}`);
  return { dtype, shape, data };
}

/** A tensor whose elements are made when somebody first asks for them. `make` gives as many as the shape says. */
export function lazyTensor<D extends DType>(
  dtype: D,
  shape: readonly number[],
  make: () => TypedArrayOf[D],
): TensorData<D> {
  let made: TypedArrayOf[D] | undefined;
  return {
    dtype,
    shape,
    get data() {
      made ??= make();
      return made;
    },
  };
}

/** A zero-filled typed array. */
export function allocate<D extends DType>(dtype: D, length: number): TypedArrayOf[D] {
  return new ARRAY_CLASS[dtype](length) as TypedArrayOf[D];
}

/** A typed array over little-endian bytes: a view where alignment allows, else a copy. `bytes.length` must be a multiple of the element size. */
export function arrayFromBytes<D extends DType>(dtype: D, bytes: Uint8Array): TypedArrayOf[D] {
  const size = BYTES_PER_ELEMENT[dtype];
  // Not bytes.slice(): on a Node Buffer that is another view of the same, unaligned memory.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new ARRAY_CLASS[dtype](
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    aligned.byteLength / size,
  ) as TypedArrayOf[D];
}

/** Whether memory is shared between threads. A page that is not isolated from others has no class for such memory, and none of it. */
export function isShared(buffer: ArrayBufferLike): buffer is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}

/** The bytes behind a typed array, without a copy (little-endian hosts). */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);

/** IEEE half to number. */
export function halfToNumber(half: number): number {
  const exponent = (half >>> 10) & 31;
  const mantissa = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

let halves: Float32Array | undefined;

/** Every half by its bits: a look-up is several times faster than the arithmetic. Made when first needed (256 KB). */
function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, half) => halfToNumber(half));
  return halves;
}

/** Number to IEEE half, rounding to nearest even; too large becomes infinity. */
export function numberToHalf(value: number): number {
  asFloat[0] = value;
  const x = bits[0]!;
  const sign = (x >>> 16) & 0x8000;
  const exponent = (x >>> 23) & 255;
  const mantissa = x & 0x7fffff;
  if (exponent === 255) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  const e = exponent - 112;
  if (e >= 31) return sign | 0x7c00;
  if (e <= 0) {
    if (e < -10) return sign;
    const full = mantissa | 0x800000;
    const shift = 14 - e;
    const rest = full & ((1 << shift) - 1);
    const halfway = 1 << (shift - 1);
    let result = full >>> shift;
    if (rest > halfway || (rest === halfway && (result & 1) === 1)) result += 1;
    return sign | result;
  }
  let result = (e << 10) | (mantissa >>> 13);
  const rest = mantissa & 0x1fff;
  if (rest > 0x1000 || (rest === 0x1000 && (result & 1) === 1)) result += 1;
  return sign | result;
}

/** bfloat16 to number. */
export function bfloat16ToNumber(value: number): number {
  bits[0] = value << 16;
  return asFloat[0]!;
}

/** Number to bfloat16, rounding to nearest even. */
export function numberToBfloat16(value: number): number {
  asFloat[0] = value;
  const x = bits[0]!;
  if ((x & 0x7fffffff) > 0x7f800000) return (x >>> 16) | 0x40;
  return ((x + 0x7fff + ((x >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Any tensor's elements as float32 (int64 loses precision beyond 2^53). Returns the same array when it is float32 already. */
export function toFloat32(value: TensorData): Float32Array {
  return convert(value, "float32", (n) => new Float32Array(n));
}

/** Any tensor's elements as float64. */
export function toFloat64(value: TensorData): Float64Array {
  return convert(value, "float64", (n) => new Float64Array(n));
}

function convert<A extends Float32Array | Float64Array>(value: TensorData, same: DType, make: (n: number) => A): A {
  if (value.dtype === same) return value.data as A;
  const out = make(value.data.length);
  if (value.dtype === "float16") {
    const table = halfTable();
    for (let i = 0; i < out.length; i++) out[i] = table[(value.data as Uint16Array)[i]!]!;
  } else if (value.dtype === "bfloat16")
    for (let i = 0; i < out.length; i++) out[i] = bfloat16ToNumber((value.data as Uint16Array)[i]!);
  else for (let i = 0; i < out.length; i++) out[i] = Number(value.data[i]!);
  return out;
}
