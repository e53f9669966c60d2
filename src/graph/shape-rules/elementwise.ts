// Shapes of sources, unary and binary ops: broadcasting and dtypes.

import type { BinaryOps, Op, SourceOps, UnaryOps } from "../ops.ts";
import { FLOATS, type GraphDTypeList, numeric } from "./dtypes.ts";
import {
  broadcast,
  refuse,
  requireCount,
  requireDType,
  requireSameDType,
  type ShapeRule,
  type ShapeRules,
} from "./rule.ts";

const unary =
  (dtypes: GraphDTypeList): ShapeRule<Op> =>
  (inputs, _, where) => {
    requireCount(where, inputs, 1);
    requireDType(where, inputs, dtypes);
    return { shape: inputs[0]!.shape, dtype: inputs[0]!.dtype };
  };

const binary =
  (dtypes: GraphDTypeList, result?: "bool"): ShapeRule<Op> =>
  (inputs, _, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs, dtypes);
    const dtype = requireSameDType(where, inputs);
    return {
      shape: broadcast(
        where,
        inputs,
        inputs.map((input) => input.shape),
      ),
      dtype: result ?? dtype,
    };
  };

export const sourceShapes: ShapeRules<keyof SourceOps> = {
  input: (_, { shape, dtype }) => ({ shape, dtype }),
  parameter: (_, { shape, dtype }) => ({ shape, dtype }),
  constant: (inputs, { value }, where) => {
    const { dtype } = value;
    if (
      dtype === "float32" ||
      dtype === "float16" ||
      dtype === "int64" ||
      dtype === "int32" ||
      dtype === "uint8" ||
      dtype === "int8" ||
      dtype === "bool"
    )
      return { shape: value.shape, dtype };
    return refuse(where, `graphs do not compute with ${dtype}`, inputs);
  },
  size: () => ({ shape: [], dtype: "int64" }),
  iota: (_, { length, dtype }) => ({ shape: [length], dtype }),
};

export const unaryShapes: ShapeRules<keyof UnaryOps> = {
  neg: unary(numeric),
  abs: unary(numeric),
  exp: unary(FLOATS),
  log: unary(FLOATS),
  sqrt: unary(FLOATS),
  sin: unary(FLOATS),
  cos: unary(FLOATS),
  tanh: unary(FLOATS),
  sigmoid: unary(FLOATS),
  erf: unary(FLOATS),
  normalCdf: unary(FLOATS),
  relu: unary(numeric),
  relu6: unary(FLOATS),
  sign: unary(numeric),
  floor: unary(FLOATS),
  gelu: unary(FLOATS),
  quickGelu: unary(FLOATS),
  silu: unary(FLOATS),
  hardSigmoid: unary(FLOATS),
  hardSwish: unary(FLOATS),
  not: unary(["bool"]),
  cast: (inputs, { to }, where) => {
    requireCount(where, inputs, 1);
    return { shape: inputs[0]!.shape, dtype: to };
  },
  stopGradient: unary([...numeric, "bool"]),
  clampGradient: unary(FLOATS),
};

export const binaryShapes: ShapeRules<keyof BinaryOps> = {
  add: binary(numeric),
  sub: binary(numeric),
  mul: binary(numeric),
  div: binary(numeric),
  pow: binary(FLOATS),
  maximum: binary(numeric),
  minimum: binary(numeric),
  equal: binary([...numeric, "bool"], "bool"),
  less: binary(numeric, "bool"),
  lessOrEqual: binary(numeric, "bool"),
  greater: binary(numeric, "bool"),
  greaterOrEqual: binary(numeric, "bool"),
  and: binary(["bool"], "bool"),
  or: binary(["bool"], "bool"),
};

/** Ops whose every element depends on the elements at its own place alone. */
export const ELEMENTWISE: ReadonlySet<Op> = new Set<Op>([
  ...(Object.keys(unaryShapes) as (keyof UnaryOps)[]),
  ...(Object.keys(binaryShapes) as (keyof BinaryOps)[]),
  "where",
]);
