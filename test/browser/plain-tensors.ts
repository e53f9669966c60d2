// Tensors as JSON, between a test and its page.
import { allocate, type DType, type TensorData } from "../../src/tensor.ts";

export interface PlainTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export type PlainTensors = Readonly<Record<string, PlainTensor>>;

export function toPlain({ dtype, shape, data }: TensorData): PlainTensor {
  return { dtype, shape, data: Array.from(data, Number) };
}

export function fromPlain({ dtype, shape, data }: PlainTensor): TensorData {
  const values = allocate(dtype, data.length);
  const isBig = dtype === "int64" || dtype === "uint64";
  for (const [i, value] of data.entries()) values[i] = (isBig ? BigInt(value) : value) as never;
  return { dtype, shape, data: values } as TensorData;
}

export function plainTensors(values: Readonly<Record<string, TensorData>>): Record<string, PlainTensor> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toPlain(value)]));
}
