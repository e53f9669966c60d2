// Numbers that are none.
import { type DType, type TensorData, toFloat32, toFloat64 } from "../tensor.ts";

export interface Faults {
  /** Values that are not a number. */
  readonly nan: number;
  readonly infinite: number;
}

const FLOATS: readonly DType[] = ["float64", "float32", "float16", "bfloat16"];

/** How many values are not finite. */
export function countFaults(value: TensorData): Faults {
  let nan = 0;
  let infinite = 0;
  if (FLOATS.includes(value.dtype))
    for (const number of value.dtype === "float64" ? toFloat64(value) : toFloat32(value)) {
      if (Number.isNaN(number)) nan++;
      else if (!Number.isFinite(number)) infinite++;
    }
  return { nan, infinite };
}
