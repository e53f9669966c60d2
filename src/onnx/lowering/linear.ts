// Matrix products, normalisations and reductions.
import type { LinearOps, NormalizationOps, Op, ReductionOps } from "../../graph/ops.ts";
import { widen } from "../../graph/tensor.ts";
import { tensor } from "../../tensor.ts";
import { type Attributes, MICROSOFT, type Value } from "../emitter.ts";
import type { NodeProto } from "../onnx-pb.ts";
import { quantizedLinear } from "./quantized-linear.ts";
import { type LoweringContext, type LoweringRule, type LoweringRules, widened } from "./rule.ts";

const gemm: LoweringRule<"gemm" | "matMul"> = (context, inputs, { attributes: { transposeA, transposeB } }) => {
  const attributes: Attributes = {
    ...(transposeA ? { transA: { int: 1 } } : {}),
    ...(transposeB ? { transB: { int: 1 } } : {}),
  };
  return context.emit("Gemm", inputs, attributes);
};

/** Exchanges the last two dimensions. */
function swapped(context: LoweringContext, value: Value, rank: number): Value {
  const axes = Array.from({ length: rank }, (_, i) => i);
  return context.emit("Transpose", [value], { perm: { ints: [...axes.slice(0, -2), rank - 1, rank - 2] } });
}

export const linearLowering: LoweringRules<keyof LinearOps> = {
  gemm: (context, inputs, node) => {
    const weight = context.quantization.weightOf(widen(node));
    return weight === undefined ? gemm(context, inputs, node) : quantizedLinear(context, inputs[0]!, weight, inputs[2]);
  },
  matMul: (context, inputs, node) => {
    const { transposeA, transposeB } = node.attributes;
    const [a, b] = node.inputs;
    if (!transposeA && !transposeB) return context.emit("MatMul", inputs);
    // Gemm is the standard operator that transposes, and takes matrices only.
    if (a!.shape.length === 2 && b!.shape.length === 2) return gemm(context, inputs, node);
    if (context.target === "onnxruntime" && node.dtype === "float32")
      return context.emit(
        "FusedMatMul",
        inputs,
        { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } },
        MICROSOFT,
      );
    return context.emit("MatMul", [
      transposeA ? swapped(context, inputs[0]!, a!.shape.length) : inputs[0]!,
      transposeB ? swapped(context, inputs[1]!, b!.shape.length) : inputs[1]!,
    ]);
  },
};

const alongAxis =
  (opType: string): LoweringRule<"softmax" | "logSoftmax"> =>
  (context, inputs, { attributes }) =>
    context.emit(opType, inputs, { axis: { int: attributes.axis } });

/** A third output of the layer normalisation that reads the same x; in gradients there is one. */
const inverseDeviation: LoweringRule<"inverseDeviation"> = ({ emitter }, [x], { inputs, attributes: { epsilon } }) => {
  const isNormOfX = ({ opType, input, attribute }: NodeProto) =>
    opType === "LayerNormalization" && input[0] === x && attribute.some(({ f }) => f === Math.fround(epsilon));
  const node = emitter.nodes.find(isNormOfX);
  if (node !== undefined) return emitter.furtherOutput(node, 2, "/inverseDeviation");
  const width = Number(inputs[0]!.shape.at(-1));
  const ones = emitter.constant(tensor("float32", [width], new Float32Array(width).fill(1)));
  const attributes = { axis: { int: -1 }, epsilon: { float: epsilon } };
  return emitter.emitSeveral("LayerNormalization", [x!, ones], ["/y", "/mean", ""], attributes)[2];
};

export const normalizationLowering: LoweringRules<keyof NormalizationOps> = {
  softmax: alongAxis("Softmax"),
  logSoftmax: (context, inputs, node) => {
    if (context.target !== "webgpu") return alongAxis("LogSoftmax")(context, inputs, node);
    const axes = [node.attributes.axis];
    const shifted = context.emit("Sub", [inputs[0]!, reduced(context, "ReduceMax", 18, inputs[0]!, axes, true)]);
    const sum = reduced(context, "ReduceSum", 13, context.emit("Exp", [shifted]), axes, true);
    return context.emit("Sub", [shifted, context.emit("Log", [sum])]);
  },
  layerNorm: (context, inputs, { attributes }) =>
    context.emit("LayerNormalization", inputs, { axis: { int: -1 }, epsilon: { float: attributes.epsilon } }),
  inverseDeviation: widened(["float16"], "float32", inverseDeviation),
  batchNorm: (context, inputs, { attributes }) =>
    context.emit("BatchNormalization", inputs, { epsilon: { float: attributes.epsilon } }),
};

/** `axesAsInputSince`: the operator set in which the axes became an input. */
export function reduced(
  context: LoweringContext,
  opType: string,
  axesAsInputSince: number,
  value: Value,
  axes: readonly number[],
  keepDims: boolean,
): Value {
  const keepdims = { int: Number(keepDims) };
  return context.opset >= axesAsInputSince
    ? context.emit(opType, [value, context.emitter.int64s(axes)], { keepdims })
    : context.emit(opType, [value], { axes: { ints: axes }, keepdims });
}

const reduction =
  (opType: string, axesAsInputSince: number): LoweringRule<Op> =>
  (context, inputs, node) => {
    const { axes, keepDims } = node.attributes as ReductionOps["reduceSum"];
    // No axes: nothing is reduced (ONNX would take it for all of them).
    return axes.length === 0 ? inputs[0]! : reduced(context, opType, axesAsInputSince, inputs[0]!, axes, keepDims);
  };

/** Over all of space, convolutional engines have a kernel that takes maps as their convolutions give them. */
const reduceMean: LoweringRule<"reduceMean"> = (context, inputs, node) => {
  const { axes, keepDims } = node.attributes;
  const rank = node.inputs[0]!.shape.length;
  const overSpace = rank >= 4 && axes.length === rank - 2 && axes.every((axis, i) => axis === i + 2);
  if (!overSpace) return reduction("ReduceMean", 18)(context, inputs, widen(node));
  const pooled = context.emit("GlobalAveragePool", inputs);
  return keepDims ? pooled : context.emit("Flatten", [pooled], { axis: { int: 1 } });
};

export const reductionLowering: LoweringRules<keyof ReductionOps> = {
  reduceSum: widened(["int8", "uint8"], "int32", reduction("ReduceSum", 13)),
  reduceMean,
  reduceMax: reduction("ReduceMax", 18),
  argMax: widened(["bool"], "uint8", (context, inputs, { attributes: { axis, keepDims } }) =>
    context.emit("ArgMax", inputs, { axis: { int: axis }, keepdims: { int: Number(keepDims) } }),
  ),
};
