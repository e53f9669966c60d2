// Element types as ONNX numbers them.
import { BYTES_PER_ELEMENT, type DType, elementCount } from "../tensor.ts";
import { TensorProto_DataType } from "./onnx-pb.ts";

export const ONNX_DTYPE: Readonly<Record<DType, TensorProto_DataType>> = {
  float64: TensorProto_DataType.DOUBLE,
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  int16: TensorProto_DataType.INT16,
  int8: TensorProto_DataType.INT8,
  uint64: TensorProto_DataType.UINT64,
  uint32: TensorProto_DataType.UINT32,
  uint16: TensorProto_DataType.UINT16,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

const BY_NUMBER = new Map<number, DType>(
  (Object.keys(ONNX_DTYPE) as DType[]).map((dtype) => [ONNX_DTYPE[dtype], dtype]),
);

/** The dtype behind an ONNX element type; ones that this library has no array for keep ONNX's name ("string", "int4"). */
export function dtypeFromOnnx(elementType: number): DType | (string & {}) {
  return BY_NUMBER.get(elementType) ?? TensorProto_DataType[elementType]?.toLowerCase() ?? `type ${elementType}`;
}

/** Bits of elements that this library has no array for. */
const OTHER_BITS: Readonly<Partial<Record<TensorProto_DataType, number>>> = {
  [TensorProto_DataType.COMPLEX64]: 64,
  [TensorProto_DataType.COMPLEX128]: 128,
  [TensorProto_DataType.FLOAT8E4M3FN]: 8,
  [TensorProto_DataType.FLOAT8E4M3FNUZ]: 8,
  [TensorProto_DataType.FLOAT8E5M2]: 8,
  [TensorProto_DataType.FLOAT8E5M2FNUZ]: 8,
  [TensorProto_DataType.FLOAT8E8M0]: 8,
  [TensorProto_DataType.UINT4]: 4,
  [TensorProto_DataType.INT4]: 4,
  [TensorProto_DataType.FLOAT4E2M1]: 4,
  [TensorProto_DataType.UINT2]: 2,
  [TensorProto_DataType.INT2]: 2,
};

/** Bytes of a tensor's values as they are stored; undefined for texts, whose length their number does not say, and for unknown types. */
export function onnxByteLength(elementType: number, shape: readonly number[]): number | undefined {
  const dtype = BY_NUMBER.get(elementType);
  const bits = dtype === undefined ? OTHER_BITS[elementType as TensorProto_DataType] : 8 * BYTES_PER_ELEMENT[dtype];
  return bits === undefined ? undefined : Math.ceil((bits * elementCount(shape)) / 8);
}
