// Ops that move values without computing.
import type { Dim, Shape } from "../../graph/dimensions.ts";
import type { IndexOps, LayoutOps } from "../../graph/ops.ts";
import { type Attributes, INT64_MAX, type Value } from "../emitter.ts";
import { type LoweringContext, type LoweringRule, type LoweringRules, scalar, single, widened } from "./rule.ts";

/**
 * The shape operand of a Reshape. ONNX has two marks that spare computing sizes: 0 copies the size at the same place of the input, and one
 * -1 is whatever is left. Only what neither can say is computed.
 */
export function reshapeOperand(
  context: LoweringContext,
  from: Shape,
  to: Shape,
  nearby: readonly { readonly value: Value; readonly shape: Shape }[],
): Value {
  if (to.includes(0)) return context.sizes.shape(to, nearby);
  const marked: Dim[] = to.map((size, i) => (typeof size === "string" && size === from[i] ? 0 : size));
  const open = marked.flatMap((size, i) => (typeof size === "string" ? [i] : []));
  // The longest expression is the one worth not computing.
  const left = open.sort((a, b) => String(marked[b]).length - String(marked[a]).length)[0];
  if (left !== undefined) marked[left] = -1;
  return context.sizes.shape(marked, nearby);
}

/** The shape operand of an Expand, where 1 stands for the input's own size. */
function expandOperand(context: LoweringContext, x: Value, from: Shape, to: Shape): Value {
  const offset = to.length - from.length;
  const marked = to.map((size, i) => (i >= offset && from[i - offset] === size ? 1 : size));
  return context.sizes.shape(marked, [{ value: x, shape: from }]);
}

export const layoutLowering: LoweringRules<keyof LayoutOps> = {
  reshape: (context, [x], node) => {
    const { shape } = node.attributes;
    const from = node.inputs[0]!.shape;
    const operand = reshapeOperand(context, from, shape, [{ value: x!, shape: from }]);
    return context.emit("Reshape", [x!, operand], shape.includes(0) ? { allowzero: { int: 1 } } : {});
  },
  transpose: (context, inputs, { attributes }) =>
    context.emit("Transpose", inputs, { perm: { ints: attributes.permutation } }),
  slice: (context, [x], { attributes: { axes, starts, ends, steps } }) => {
    const { emitter } = context;
    const finite = ends.map((end) => (end === Number.POSITIVE_INFINITY ? INT64_MAX : end));
    const operands = [x!, emitter.int64s(starts), emitter.int64s(finite), emitter.int64s(axes)];
    return context.emit("Slice", steps.every((step) => step === 1) ? operands : [...operands, emitter.int64s(steps)]);
  },
  concat: (context, inputs, { attributes }) => context.emit("Concat", inputs, { axis: { int: attributes.axis } }),
  pad: (context, [x], { attributes: { before, after, value }, dtype }) => {
    const pads = context.emitter.int64s([...before, ...after]);
    return context.emit("Pad", value === 0 ? [x!, pads] : [x!, pads, scalar(context, value, dtype)]);
  },
  expand: (context, [x], node) =>
    context.emit("Expand", [x!, expandOperand(context, x!, node.inputs[0]!.shape, node.attributes.shape)]),
  where: widened(["int8", "bool"], "int32", single("Where"), 1),
};

const alongAxis =
  (opType: string): LoweringRule<"gather" | "gatherElements"> =>
  (context, inputs, { attributes }) =>
    context.emit(opType, inputs, { axis: { int: attributes.axis } });

/** ONNX's operator gives values and places; ties go to the lower place there too. */
const topK: LoweringRule<"topK"> = (context, [x], { attributes: { axis, k }, inputs }) => {
  const count = context.sizes.vector(k, [{ value: x!, shape: inputs[0]!.shape }]);
  return context.emitter.emitSeveral("TopK", [x!, count], ["/values", ""], { axis: { int: axis } })[1];
};

/** ONNX's operator lists picture, class and index of what stays, as many rows as there are: a mask has one size whatever stays. */
const nonMaxSuppression: LoweringRule<"nonMaxSuppression"> = (context, [boxes, scores], node) => {
  const { emitter, sizes } = context;
  const { iouThreshold, scoreThreshold, limit } = node.attributes;
  const emit = (opType: string, inputs: readonly Value[], attributes?: Attributes) =>
    context.emit(opType, inputs, attributes);
  const from = { value: scores!, shape: node.shape };
  const most = Number.isFinite(limit) ? emitter.int64s([limit]) : sizes.vector(node.shape[2]!, [from]);
  const overlap = scalar(context, iouThreshold, "float32");
  const least = Number.isFinite(scoreThreshold) ? [scalar(context, scoreThreshold, "float32")] : [];
  const kept = emit("NonMaxSuppression", [boxes!, scores!, most, overlap, ...least]); // (kept, 3)
  const first = emit("Gather", [kept, scalar(context, 0, "int64")], { axis: { int: 1 } }); // (kept)
  const stays = emit("GreaterOrEqual", [first, scalar(context, 0, "int64")]); // true for each
  const none = emit("Expand", [scalar(context, 0, "bool"), sizes.shape(node.shape, [from])]);
  return emit("ScatterND", [none, kept, stays]);
};

export const indexLowering: LoweringRules<keyof IndexOps> = {
  gather: alongAxis("Gather"),
  gatherElements: alongAxis("GatherElements"),
  // Not ScatterND: ONNX Runtime's loses updates of duplicate indices when it has more than one thread.
  scatterAdd: widened(["float16"], "float32", (context, inputs, { attributes }) =>
    context.emit("ScatterElements", inputs, { axis: { int: attributes.axis }, reduction: { string: "add" } }),
  ),
  topK: widened(["float16"], "float32", widened(["int8", "uint8"], "int32", topK)),
  nonMaxSuppression,
  takeFirst: (context, [x, count], { attributes: { axis, size } }) => {
    const { emitter } = context;
    const end = context.emit("Reshape", [count!, emitter.int64s([1])]);
    context.sizes.define(size, end);
    return context.emit("Slice", [x!, emitter.int64s([0]), end, emitter.int64s([axis])]);
  },
};
