// Kernels of sources, unary and binary ops.
import { SaccadeError } from "../../errors.ts";
import { elementCount, halfToNumber, numberToHalf } from "../../tensor.ts";
import type { BinaryOps, GraphDType, Op, SourceOps, UnaryOps } from "../ops.ts";
import { erf } from "./erf.ts";
import {
  broadcastShape,
  broadcastStrides,
  floatValue,
  fromTensorData,
  isFloat,
  type Kernel,
  type Kernels,
  type Numbers,
  reserve,
  storeInteger,
  type Value,
  walk,
} from "./value.ts";

export const sourceKernels: Kernels<keyof SourceOps> = {
  input: (_, { name }, run) => run.input(name),
  parameter: (_, { name }, run) => run.parameter(name),
  constant: (_, { value }, run) => fromTensorData(value, run.node.dtype, "the constant"),
  size: (_, { dim }, run) => ({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(run.size(dim))) }),
  iota: (_, { length, dtype }, run) => {
    const count = run.size(length);
    return dtype === "int64"
      ? { dtype, shape: [count], data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)) }
      : floatValue(
          [count],
          Float64Array.from({ length: count }, (_, i) => i),
        );
  },
};

const identity: Kernel<Op> = ([x]) => x!;

/** Element by element; integers, where an op takes them, are computed exactly. */
function unary(onFloat: (x: number) => number, onInteger?: (x: bigint) => bigint): Kernel<Op> {
  return ([x], _, { node }) => {
    const { dtype, shape, data } = x!;
    if (data instanceof Float64Array) return { dtype, shape, data: data.map(onFloat) };
    if (onInteger === undefined) throw new SaccadeError("graph", `${node.op} does not take ${dtype}`);
    const out = reserve(dtype, data.length);
    for (let i = 0; i < out.length; i++) storeInteger(out, i, dtype, onInteger(BigInt(data[i]!)));
    return { dtype, shape, data: out };
  };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;

export const unaryKernels: Kernels<keyof UnaryOps> = {
  neg: unary(
    (x) => -x,
    (x) => -x,
  ),
  abs: unary(Math.abs, (x) => (x < 0n ? -x : x)),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tanh: unary(Math.tanh),
  sigmoid: unary(sigmoid),
  erf: unary(erf),
  normalCdf: unary((x) => (1 + erf(x * Math.SQRT1_2)) / 2),
  relu: unary(
    (x) => Math.max(x, 0),
    (x) => (x < 0n ? 0n : x),
  ),
  relu6: unary((x) => Math.min(Math.max(x, 0), 6)),
  sign: unary(Math.sign, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  floor: unary(Math.floor),
  gelu: unary((x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2),
  quickGelu: unary((x) => x * sigmoid(1.702 * x)),
  silu: unary((x) => x * sigmoid(x)),
  hardSigmoid: unary(hardSigmoid),
  hardSwish: unary((x) => x * hardSigmoid(x)),
  not: ([x]) => ({ ...x!, data: Uint8Array.from(x!.data as Uint8Array, (b) => (b === 0 ? 1 : 0)) }),
  cast: ([x], { to }) => ({ dtype: to, shape: x!.shape, data: castData(x!, to) }),
  stopGradient: identity,
  clampGradient: identity,
};

function castData({ dtype, data }: Value, to: GraphDType): Numbers {
  if (to === "float32") return Float64Array.from(data as Float64Array, Number);
  if (to === "float16") return Float64Array.from(data as Float64Array, (x) => halfToNumber(numberToHalf(Number(x))));
  const out = reserve(to, data.length);
  for (let i = 0; i < out.length; i++) {
    const x = data[i]!;
    if (to === "bool") storeInteger(out, i, to, Number(x) === 0 ? 0n : 1n);
    else storeInteger(out, i, to, isFloat(dtype) ? truncate(Number(x)) : BigInt(x));
  }
  return out;
}

/** Towards zero; what is no number has no integer, and becomes 0. */
function truncate(x: number): bigint {
  return Number.isFinite(x) ? BigInt(Math.trunc(x)) : 0n;
}

/** Calls back with the positions of both operands for each element of the broadcast result. */
function pairs([a, b]: readonly Value[], each: (i: number, at: number, bt: number) => void): number[] {
  const shape = broadcastShape(a!.shape, b!.shape);
  const left = walk(shape, broadcastStrides(a!.shape, shape));
  const right = walk(shape, broadcastStrides(b!.shape, shape));
  for (let i = 0; i < left.length; i++) each(i, left[i]!, right[i]!);
  return shape;
}

function arithmetic(
  onFloat: (a: number, b: number) => number,
  onInteger: (a: bigint, b: bigint) => bigint,
): Kernel<Op> {
  return (inputs) => {
    const [a, b] = inputs as [Value, Value];
    const { dtype } = a;
    const out = reserve(dtype, elementCount(broadcastShape(a.shape, b.shape)));
    const { data: x } = a;
    const { data: y } = b;
    const shape =
      x instanceof Float64Array && y instanceof Float64Array
        ? pairs(inputs, (i, at, bt) => {
            out[i] = onFloat(x[at]!, y[bt]!);
          })
        : pairs(inputs, (i, at, bt) => storeInteger(out, i, dtype, onInteger(BigInt(x[at]!), BigInt(y[bt]!))));
    return { dtype, shape, data: out };
  };
}

/** Numbers compare with numbers, bigints with bigints: both operands have one dtype. */
function comparison(holds: (a: number | bigint, b: number | bigint) => boolean): Kernel<Op> {
  return (inputs) => {
    const [a, b] = inputs as [Value, Value];
    const out = new Uint8Array(elementCount(broadcastShape(a.shape, b.shape)));
    const shape = pairs(inputs, (i, at, bt) => {
      out[i] = holds(a.data[at]!, b.data[bt]!) ? 1 : 0;
    });
    return { dtype: "bool", shape, data: out };
  };
}

function divideIntegers(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new SaccadeError("graph", "integer division by zero");
  return a / b; // BigInt division truncates towards zero, as ONNX does.
}

export const binaryKernels: Kernels<keyof BinaryOps> = {
  add: arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  sub: arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  mul: arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  div: arithmetic((a, b) => a / b, divideIntegers),
  pow: arithmetic(Math.pow, (a, b) => a ** b),
  maximum: arithmetic(Math.max, (a, b) => (a - b > 0n ? a : b)),
  minimum: arithmetic(Math.min, (a, b) => (a - b < 0n ? a : b)),
  equal: comparison((a, b) => a === b),
  less: comparison((a, b) => a < b),
  lessOrEqual: comparison((a, b) => a <= b),
  greater: comparison((a, b) => a > b),
  greaterOrEqual: comparison((a, b) => a >= b),
  and: comparison((a, b) => a !== 0 && b !== 0),
  or: comparison((a, b) => a !== 0 || b !== 0),
};
