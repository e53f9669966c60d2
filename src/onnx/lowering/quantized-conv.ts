// A convolution in eight bits, with standard operators: QLinearConv reads bytes and writes bytes. What a byte of each channel is worth is
// multiplied in where floats are wanted again.
import { tensor } from "../../tensor.ts";
import type { Value } from "../emitter.ts";
import type { QuantizedConvolution } from "../quantize-convolutions.ts";
import { cast, type LoweringContext, scalar } from "./rule.ts";
import { convAttributes, kernelOf } from "./spatial.ts";

/** bytes (N, in, …) -> bytes (N, out, …), whose ReLU is that no byte is negative. */
export function quantizedConvolution(context: LoweringContext, bytes: Value, from: QuantizedConvolution): Value {
  const { emitter } = context;
  const { conv, weight, bias, steps } = from;
  const one = scalar(context, 1, "float32");
  const zero = scalar(context, 0, "uint8");
  const zeros = emitter.constant(tensor("int8", [weight.shape[0]!], new Int8Array(weight.shape[0]!)));
  return context.emit(
    "QLinearConv",
    [bytes, one, zero, emitter.constant(weight), emitter.constant(steps), zeros, one, zero, emitter.constant(bias)],
    convAttributes(kernelOf(conv.inputs[1]!), conv.attributes),
  );
}

/** Bytes with channels at `axis` of `rank` axes as the floats they stand for. */
export function dequantized(
  context: LoweringContext,
  bytes: Value,
  { scales }: QuantizedConvolution,
  axis: number,
  rank: number,
): Value {
  const shape = [scales.shape[0]!, ...new Array<number>(rank - 1 - axis).fill(1)];
  return context.emit("Mul", [cast(context, bytes, "float32"), context.emitter.constant({ ...scales, shape })]);
}
