// Sources, unary and binary ops.
import type { BinaryOps, GraphDType, SourceOps, UnaryOps } from "../../graph/ops.ts";
import { tensor } from "../../tensor.ts";
import { MICROSOFT, type Value } from "../emitter.ts";
import { cast, type LoweringContext, type LoweringRule, type LoweringRules, scalar, single } from "./rule.ts";

export const sourceLowering: LoweringRules<keyof SourceOps> = {
  input: (_context, _inputs, { attributes }) => attributes.name,
  parameter: (_context, _inputs, { attributes }) => attributes.name,
  constant: ({ emitter }, _inputs, { attributes }) => emitter.constant(attributes.value),
  size: ({ sizes }, _inputs, { attributes }) => sizes.scalar(attributes.dim),
  iota: (context, _inputs, { attributes: { length, dtype } }) => {
    if (typeof length === "number")
      return context.emitter.constant(
        dtype === "int64"
          ? tensor(
              "int64",
              [length],
              BigInt64Array.from({ length }, (_, i) => BigInt(i)),
            )
          : tensor(
              "float32",
              [length],
              Float32Array.from({ length }, (_, i) => i),
            ),
      );
    const range = context.emit("Range", [
      scalar(context, 0, "int64"),
      context.sizes.scalar(length),
      scalar(context, 1, "int64"),
    ]);
    return dtype === "int64" ? range : cast(context, range, dtype);
  },
};

const alias: LoweringRule<"stopGradient" | "clampGradient"> = (_context, inputs) => inputs[0]!;

/** x * sigmoid(alpha * x). */
function gated(context: LoweringContext, x: Value, alpha: number, dtype: GraphDType): Value {
  if (context.target === "onnxruntime" && dtype === "float32")
    return context.emit("QuickGelu", [x], { alpha: { float: alpha } }, MICROSOFT);
  const steep = alpha === 1 ? x : context.emit("Mul", [x, scalar(context, alpha, dtype)]);
  return context.emit("Mul", [x, context.emit("Sigmoid", [steep])]);
}

export const unaryLowering: LoweringRules<keyof UnaryOps> = {
  neg: (context, inputs, { dtype }) =>
    // Neg is defined for signed numbers only.
    dtype === "uint8" ? context.emit("Sub", [scalar(context, 0, dtype), inputs[0]!]) : context.emit("Neg", inputs),
  abs: single("Abs"),
  exp: single("Exp"),
  log: single("Log"),
  sqrt: single("Sqrt"),
  sin: single("Sin"),
  cos: single("Cos"),
  tanh: single("Tanh"),
  sigmoid: single("Sigmoid"),
  erf: single("Erf"),
  // The error function lies between -1 and 1: there HardSigmoid is (x + 1) / 2 in one pass.
  normalCdf: (context, [x], { dtype }) => {
    const erf = context.emit("Erf", [context.emit("Mul", [x!, scalar(context, Math.SQRT1_2, dtype)])]);
    return context.emit("HardSigmoid", [erf], { alpha: { float: 0.5 }, beta: { float: 0.5 } });
  },
  relu: (context, inputs, { dtype }) => {
    if (dtype === "uint8") return inputs[0]!;
    // Relu on integers: not in every engine.
    const float = dtype === "float32" || dtype === "float16";
    return float ? context.emit("Relu", inputs) : context.emit("Max", [inputs[0]!, scalar(context, 0, dtype)]);
  },
  relu6: (context, [x], { dtype }) => context.emit("Clip", [x!, scalar(context, 0, dtype), scalar(context, 6, dtype)]),
  sign: (context, inputs, node) => {
    if (context.target !== "webgpu") return context.emit("Sign", inputs);
    const zero = scalar(context, 0, node.dtype);
    const beyond = (op: "Greater" | "Less") => cast(context, context.emit(op, [inputs[0]!, zero]), node.dtype);
    return context.emit("Sub", [beyond("Greater"), beyond("Less")]);
  },
  floor: single("Floor"),
  gelu: (context, [x], { dtype }) => {
    if (context.opset >= 20) return context.emit("Gelu", [x!]);
    if (context.target === "webgpu") return context.emit("Gelu", [x!], {}, MICROSOFT);
    const erf = context.emit("Erf", [context.emit("Mul", [x!, scalar(context, Math.SQRT1_2, dtype)])]);
    const half = context.emit("Mul", [x!, scalar(context, 0.5, dtype)]);
    return context.emit("Mul", [half, context.emit("Add", [erf, scalar(context, 1, dtype)])]);
  },
  quickGelu: (context, [x], { dtype }) => gated(context, x!, 1.702, dtype),
  silu: (context, [x], { dtype }) => gated(context, x!, 1, dtype),
  hardSigmoid: single("HardSigmoid", { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
  hardSwish: single("HardSwish"),
  not: single("Not"),
  cast: (context, [x], { attributes, inputs }) =>
    inputs[0]!.dtype === attributes.to ? x! : cast(context, x!, attributes.to),
  stopGradient: alias,
  clampGradient: alias,
};

export const binaryLowering: LoweringRules<keyof BinaryOps> = {
  add: single("Add"),
  sub: single("Sub"),
  mul: single("Mul"),
  div: single("Div"),
  pow: single("Pow"),
  maximum: single("Max"),
  minimum: single("Min"),
  equal: single("Equal"),
  less: single("Less"),
  lessOrEqual: single("LessOrEqual"),
  greater: single("Greater"),
  greaterOrEqual: single("GreaterOrEqual"),
  and: single("And"),
  or: single("Or"),
};
