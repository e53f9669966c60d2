// What a gradient rule is, and the arithmetic that rules share. Rules build graphs which engines execute at every training step, so the
// helpers here leave out what costs time and changes nothing: products with one, and broadcasts that the next op does by itself.
import { SaccadeError } from "../../errors.ts";
import {
  add,
  cast,
  constant,
  div,
  expand,
  gemm,
  mul,
  type Operand,
  reduceSum,
  reshape,
  scalar,
  sizeValue,
} from "../build.ts";
import { type Dim, isStatic, multiplyDims, type Shape, shapesEqual } from "../dimensions.ts";
import type { GraphDType, Op } from "../ops.ts";
import { type Graph, isOp, type Tensor } from "../tensor.ts";

/**
 * The gradients of the loss with respect to a node's inputs, given the one with respect to its output (`upstream`, of the node's shape).
 * Only the inputs marked in `needed` are asked for; an answer for others is ignored, and so may be left out. `undefined`: zero.
 */
export type GradientRule<O extends Op> = (
  node: Tensor<O>,
  upstream: Tensor,
  needed: readonly boolean[],
) => readonly (Tensor | undefined)[];

/** "none": the output does not depend on the inputs, or only in steps. */
export type GradientRules<Ops extends Op> = { readonly [O in Ops]: GradientRule<O> | "none" };

/** NumPy broadcasting; undefined when the shapes do not go together. */
function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** `x` before it was broadcast, when an op with `other` broadcasts it to the same end. */
function unexpanded(x: Tensor, other: Tensor): Tensor {
  const source = isOp(x, "expand") ? x.inputs[0]! : undefined;
  const full = broadcast(x.shape, other.shape);
  const lean = source === undefined ? undefined : broadcast(source.shape, other.shape);
  return source !== undefined && full !== undefined && lean !== undefined && shapesEqual(full, lean) ? source : x;
}

function isOne(x: Tensor): boolean {
  if (isOp(x, "expand")) return isOne(x.inputs[0]!);
  return isOp(x, "constant") && x.dtype === "float32" && x.attributes.value.data.every((value) => Number(value) === 1);
}

/** a * b */
export function times(a: Tensor, b: Operand): Tensor {
  if (typeof b === "number" && a.shape.length === 0 && isOne(a)) return scalar(a.graph, b, a.dtype);
  if (typeof b === "number") return b === 1 ? a : isOp(a, "expand") ? expand(mul(a.inputs[0]!, b), a.shape) : mul(a, b);
  if (isOne(a) && shapesEqual(broadcast(a.shape, b.shape) ?? [], b.shape)) return b;
  if (isOne(b) && shapesEqual(broadcast(a.shape, b.shape) ?? [], a.shape)) return a;
  const x = unexpanded(a, b);
  return mul(x, unexpanded(b, x));
}

/** a / b */
export function over(a: Tensor, b: Tensor): Tensor {
  const x = unexpanded(a, b);
  return div(x, unexpanded(b, x));
}

/** The sum of contributions to one gradient. */
export function plus(a: Tensor, b: Tensor): Tensor {
  const x = unexpanded(a, b);
  return add(x, unexpanded(b, x));
}

/** Sums a gradient over the dimensions in which its operand was broadcast. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (shapesEqual(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((size, i) => (i < lead || (shape[i - lead] === 1 && size !== 1) ? [i] : []));
  return reshape(sumOver(gradient, axes), shape);
}

/**
 * The sum over axes, in ascending order. Rows are added by a product with ones: on two threads ONNX Runtime's reductions take as long as on one or
 * twice as long, its products do not.
 */
export function sumOver(x: Tensor, axes: readonly number[]): Tensor {
  if (axes.length === 0) return x;
  const outer = axes.findIndex((axis, i) => axis !== i);
  const leading = outer === -1 ? axes.length : outer;
  const rest = x.shape.slice(leading);
  const rows = multiplyDims(1, ...x.shape.slice(0, leading));
  const columns = multiplyDims(1, ...rest);
  if (typeof rows !== "number" || rows === 1 || columns === 1 || x.dtype !== "float32") return reduceSum(x, axes);
  const ones = expand(scalar(x.graph, 1), [1, rows]);
  const summed = reshape(gemm(ones, reshape(x, [rows, columns])), rest);
  return leading === axes.length
    ? summed
    : reduceSum(
        summed,
        axes.slice(leading).map((axis) => axis - leading),
      );
}

export function zeros(graph: Graph, shape: Shape, dtype: GraphDType): Tensor {
  return expand(scalar(graph, 0, dtype), shape);
}

/** How many elements sizes stand for: a number, or computed when the graph runs. */
export function countOf(graph: Graph, sizes: readonly Dim[], dtype: GraphDType): Operand {
  const count = multiplyDims(1, ...sizes);
  return typeof count === "number" ? count : cast(sizeValue(graph, count), dtype);
}

/** A size that must be a number for this gradient to exist. */
export function fixedSize(size: Dim, op: Op): number {
  if (typeof size === "number") return size;
  throw new SaccadeError("graph", `the gradient of ${op} needs fixed sizes, not "${size}"`, {
    hint: "training graphs are compiled for one shape: declare their inputs with numbers",
    data: { op, size },
  });
}

export function fixedShape(shape: Shape, op: Op): readonly number[] {
  return isStatic(shape) ? shape : shape.map((size) => fixedSize(size, op));
}

/** The shape with the given axes set to 1, as a reduction that keeps dimensions leaves it. */
export function keptShape(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((size, i) => (axes.includes(i) ? 1 : size));
}

/** A matrix of numbers as a constant (rows, columns), in the given dtype. */
export function matrixConstant(graph: Graph, rows: readonly (readonly number[])[], dtype: GraphDType): Tensor {
  const data = Float32Array.from(rows.flat());
  return cast(constant(graph, { dtype: "float32", shape: [rows.length, rows[0]!.length], data }), dtype);
}
