// Multiply-accumulate operations of a graph, as papers count them: products, convolutions and bilinear reads. Element-wise work is not counted, nor
// is resizing, be it an op or a product with shares that are known beforehand.
import { type Dim, elementsOf, evaluateDim, sizeOf } from "./dimensions.ts";
import type { Op } from "./ops.ts";
import { type Graph, isOp, largestSizes, type Tensor } from "./tensor.ts";

/** Multiply-accumulates for one element of the op's output; 0 for ops that papers do not count. */
function perElement(node: Tensor, size: (dim: Dim) => number): number {
  if (isOp(node, "gemm")) return size(node.inputs[0]!.shape[node.attributes.transposeA ? 0 : 1]!);
  if (isOp(node, "matMul")) {
    if (node.inputs.some((factor) => isOp(factor, "constant"))) return 0;
    return size(node.inputs[0]!.shape.at(node.attributes.transposeA ? -2 : -1)!);
  }
  if (isOp(node, "conv")) return size(sizeOf(node.inputs[1]!.shape.slice(1)));
  if (isOp(node, "convTranspose")) {
    // Every input element meets every weight of its group once; shared out over the outputs.
    const inputs = size(sizeOf(node.inputs[0]!.shape));
    return (inputs * size(sizeOf(node.inputs[1]!.shape.slice(1)))) / size(sizeOf(node.shape));
  }
  if (isOp(node, "gridSample")) {
    const perAxis = { linear: 2, cubic: 4, nearest: 0 }[node.attributes.mode]; // cells that are mixed; the nearest is copied
    return perAxis ** (node.inputs[0]!.shape.length - 2);
  }
  return 0;
}

/** Multiply-accumulates of one node. `sizes` gives every named size, such as batch, height and width. */
export function macsOf(node: Tensor, sizes: ReadonlyMap<string, number>): number {
  const size = (dim: Dim) => evaluateDim(dim, sizes);
  const each = perElement(node, size);
  return each === 0 ? 0 : each * elementsOf(node.shape, sizes);
}

/**
 * Counts what the given outputs (default: all) need. `sizes` gives every named size, such as batch, height and width; those that a run decides count
 * as the most they can be, unless they are given.
 */
export function countMacs(
  graph: Graph,
  sizes: ReadonlyMap<string, number>,
  outputs: Iterable<Tensor> = graph.outputs.values(),
): { total: number; byOp: Map<Op, number> } {
  const byOp = new Map<Op, number>();
  const largest = largestSizes(graph, sizes);
  let total = 0;
  for (const node of graph.needed(outputs)) {
    const macs = macsOf(node, largest);
    if (macs === 0) continue;
    total += macs;
    byOp.set(node.op, (byOp.get(node.op) ?? 0) + macs);
  }
  return { total, byOp };
}
