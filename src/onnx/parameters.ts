// From the weights a caller has to the initializers a graph wants: every misfit in one error, half and double precision converted.
import { SaccadeError, WeightsMismatchError } from "../errors.ts";
import type { GraphDType } from "../graph/ops.ts";
import type { Parameter } from "../graph/tensor.ts";
import {
  BYTES_PER_ELEMENT,
  bytesOf,
  type DType,
  elementCount,
  numberToHalf,
  type TensorData,
  toFloat32,
} from "../tensor.ts";
import type { Initializer } from "./emitter.ts";

const FLOATS: readonly DType[] = ["float64", "float32", "float16", "bfloat16"];

/** Initializers for `wanted`, views of the given arrays where the dtype is right already. Names that no parameter has are ignored. */
export function parameterInitializers(
  graphName: string,
  wanted: readonly Parameter[],
  given: ReadonlyMap<string, TensorData>,
): Initializer[] {
  const missing: string[] = [];
  const wrongShape: { name: string; expected: readonly number[]; actual: readonly number[] }[] = [];
  for (const { name, shape } of wanted) {
    const value = given.get(name);
    if (value === undefined) missing.push(name);
    else if (value.shape.length !== shape.length || value.shape.some((size, i) => size !== shape[i]))
      wrongShape.push({ name, expected: shape, actual: value.shape });
  }
  if (missing.length > 0 || wrongShape.length > 0)
    throw new WeightsMismatchError(graphName, { missing, unexpected: [], wrongShape });
  return wanted.map((parameter) => initializer(parameter, given.get(parameter.name)!));
}

function initializer({ name, shape, dtype }: Parameter, value: TensorData): Initializer {
  const convertible = FLOATS.includes(value.dtype) && FLOATS.includes(dtype);
  if (value.dtype !== dtype && !convertible)
    throw new SaccadeError("lower", `parameter "${name}" is ${dtype}, its value is ${value.dtype}`, {
      data: { name, expected: dtype, actual: value.dtype },
    });
  const count = elementCount(shape);
  if (value.data.length !== count)
    throw new SaccadeError("lower", `parameter "${name}" needs ${count} elements, its value has ${value.data.length}`);
  return {
    name,
    dtype,
    shape,
    byteLength: count * BYTES_PER_ELEMENT[dtype],
    bytes: () => bytesOf(value.dtype === dtype ? value.data : converted(value, dtype)),
  };
}

function converted(value: TensorData, dtype: GraphDType): Float32Array | Uint16Array {
  const numbers = toFloat32(value);
  return dtype === "float16" ? Uint16Array.from(numbers, numberToHalf) : numbers;
}
