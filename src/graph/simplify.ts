// The same values through fewer changes of shape. Layers reshape to matrices and back around every product; between products stand ops that
// work element by element, or normalise the last axis, and do not care. Reshapes sink below those until two meet, and are one or none. A reshape
// moves no values, but engines run it as a node, and fuse only neighbours.
import { reshape } from "./build.ts";
import { type Shape, shapesEqual, sizeOf } from "./dimensions.ts";
import { again, rewrite } from "./rewrite.ts";
import { ELEMENTWISE } from "./shape-rules/elementwise.ts";
import { type Graph, isOp, type Tensor } from "./tensor.ts";

/** A graph that computes the same outputs under the same names, from the same inputs and parameters. */
export function simplify(graph: Graph): Graph {
  return rewrite(graph, graph.outputs, sunk);
}

/** The node below the reshape of an input instead of above it; undefined when it has to stay. */
function sunk(graph: Graph, node: Tensor, inputs: readonly Tensor[]): Tensor | undefined {
  const source = ELEMENTWISE.has(node.op)
    ? elementwiseSource(node, inputs)
    : isOp(node, "layerNorm") || isOp(node, "inverseDeviation")
      ? normalizedSource(inputs[0]!)
      : undefined;
  if (source === undefined) return undefined;
  // Of what a deviation reads, only its last axis becomes 1.
  const full = isOp(node, "inverseDeviation") ? inputs[0]!.shape : node.shape;
  const shaped = inputs.map((input) => (shapesEqual(input.shape, full) ? reshape(input, source) : input));
  return reshape(again(graph, node, shaped.map(withoutOuterOnes)), node.shape);
}

/** The shape in which an element-by-element op may as well run: that of an input before its reshape, if the others can follow. */
function elementwiseSource(node: Tensor, inputs: readonly Tensor[]): Shape | undefined {
  const full = inputs.filter((input) => shapesEqual(input.shape, node.shape));
  const reshaped = full.filter((input) => isOp(input, "reshape"));
  const source = reshaped.map((input) => input.inputs[0]!.shape).sort((a, b) => a.length - b.length)[0];
  // A matrix is what products want, and worth reshaping the other operand for.
  if (source === undefined || (source.length !== 2 && reshaped.length < full.length)) return undefined;
  return inputs.every((input) => follows(input.shape, node.shape, source)) ? source : undefined;
}

/** Whether an operand means the same beside `to` as beside `from`: of the full shape, one number, or a vector along an unchanged last axis. */
function follows(operand: Shape, from: Shape, to: Shape): boolean {
  if (shapesEqual(operand, from)) return true;
  const own = sizeOf(operand);
  return own === 1 || (own === operand.at(-1) && own === from.at(-1) && own === to.at(-1));
}

/** A vector or a number without the leading ones that would raise a matrix to their rank. */
function withoutOuterOnes(operand: Tensor): Tensor {
  const { shape } = operand;
  if (shape.length < 2 || sizeOf(shape) !== shape.at(-1)) return operand;
  return reshape(operand, shape.slice(-1));
}

/** The shape in which a layer normalisation may as well run: that before a reshape which leaves the last axis alone. */
function normalizedSource(x: Tensor): Shape | undefined {
  const source = isOp(x, "reshape") ? x.inputs[0]!.shape : undefined;
  return source?.at(-1) === x.shape.at(-1) ? source : undefined;
}
