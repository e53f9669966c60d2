// Element types as ONNX numbers them.
import type { DType } from "../tensor.ts";
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
