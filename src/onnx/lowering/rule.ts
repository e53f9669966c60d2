// What a lowering rule is, and what rules share.
import type { GraphDType, Op } from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { numberToHalf, type TensorData, tensor } from "../../tensor.ts";
import { ONNX_DTYPE } from "../dtypes.ts";
import type { Attributes, Emitter, Value } from "../emitter.ts";
import type { Sizes } from "../sizes.ts";
import type { Quantization } from "./quantized-linear.ts";

/** What a rule may use. */
export interface LoweringContext {
  readonly emitter: Emitter;
  readonly sizes: Sizes;
  readonly opset: number;
  readonly target: "onnxruntime" | "portable" | "webgpu";
  readonly gridSample: "kernel" | "gather";
  readonly quantization: Quantization;
  /** Adds a node with one output and returns the output. */
  emit(opType: string, inputs: readonly Value[], attributes?: Attributes, domain?: string): Value;
}

/** Adds the nodes that compute `node` from its inputs' values, and returns its value: a new one, or one of the inputs unchanged. */
export type LoweringRule<O extends Op> = (context: LoweringContext, inputs: readonly Value[], node: Tensor<O>) => Value;

export type LoweringRules<Ops extends Op> = { readonly [O in Ops]: LoweringRule<O> };

/** A single number of a dtype. */
export function scalar(context: LoweringContext, value: number, dtype: GraphDType): Value {
  return context.emitter.constant(scalarData(value, dtype));
}

function scalarData(value: number, dtype: GraphDType): TensorData {
  switch (dtype) {
    case "float32":
      return tensor("float32", [], Float32Array.of(value));
    case "float16":
      return tensor("float16", [], Uint16Array.of(numberToHalf(value)));
    case "int64":
      return tensor("int64", [], BigInt64Array.of(BigInt(value)));
    case "int32":
      return tensor("int32", [], Int32Array.of(value));
    case "uint8":
      return tensor("uint8", [], Uint8Array.of(value));
    case "int8":
      return tensor("int8", [], Int8Array.of(value));
    case "bool":
      return tensor("bool", [], Uint8Array.of(value === 0 ? 0 : 1));
  }
}

export function cast(context: LoweringContext, value: Value, to: GraphDType | "float64"): Value {
  return context.emit("Cast", [value], { to: { int: ONNX_DTYPE[to] } });
}

/** A rule of one node: the op's inputs in, attributes fixed. */
export const single =
  (opType: string, attributes: Attributes = {}): LoweringRule<Op> =>
  (context, inputs) =>
    context.emit(opType, inputs, attributes);

/**
 * Engines lack kernels for some dtypes: computes in `via` there and casts back to the node's dtype. `skip` inputs at the front (conditions)
 * keep their own.
 */
export const widened =
  <O extends Op>(
    dtypes: readonly GraphDType[],
    via: GraphDType | "float64",
    rule: LoweringRule<O>,
    skip = 0,
  ): LoweringRule<O> =>
  (context, inputs, node) => {
    const operand = node.inputs.at(-1)!.dtype;
    if (!dtypes.includes(operand)) return rule(context, inputs, node);
    const wide = inputs.map((value, i) =>
      i >= skip && node.inputs[i]!.dtype === operand ? cast(context, value, via) : value,
    );
    const result = rule(context, wide, node);
    return node.dtype === operand ? cast(context, result, operand) : result;
  };
