// Linear layers in eight bits: which ones, and their weights as whole numbers. Activations are quantised when the model runs (dynamically),
// so nothing is calibrated; weights when it is compiled, each output channel with a scale of its own, symmetrically around zero.
// Products of two activations stay in float32, and so do convolutions, but those of bytes (quantize-convolutions.ts).
import { evaluate } from "../graph/interpreter/interpret.ts";
import { isOp, type Tensor } from "../graph/tensor.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";

/** The weight of a linear layer in eight bits: weight[i, o] is about values[i, o] * scales[o]. */
export interface QuantizedWeight {
  /** (in, out) */
  readonly values: TensorData<"int8">;
  /** (out) */
  readonly scales: TensorData<"float32">;
}

/** Of a weight. Two products of such weights and bytes still fit into the sixteen bits in which older processors add them. */
export const LARGEST_WEIGHT = 64;
/** Narrower or smaller layers gain nothing. */
const LEAST_OUTPUTS = 96;
const LEAST_WEIGHTS = 2 ** 14;

/**
 * The linear layers (gemm) that pay in eight bits, with their weights: those that multiply something that depends on the inputs with weights
 * that do not. What an output of the graph is made by stays exact: it costs little, and its errors are not averaged by anything.
 */
export function quantizeLinears(
  nodes: readonly Tensor[],
  outputs: Iterable<Tensor>,
  parameters: ReadonlyMap<string, TensorData>,
): Map<Tensor, QuantizedWeight> {
  const varying = dependingOnInputs(nodes);
  const heads = new Set([...outputs].map(madeBy));
  const quantized = new Map<Tensor, QuantizedWeight>();
  const known = new Map<Tensor, QuantizedWeight>();
  for (const node of nodes) {
    if (!isOp(node, "gemm") || node.attributes.transposeA || node.dtype !== "float32" || heads.has(node)) continue;
    const [x, weight] = node.inputs as readonly [Tensor, Tensor];
    if (!varying.has(x) || varying.has(weight)) continue;
    const [rows, columns] = weight.shape as readonly [number, number];
    const width = node.attributes.transposeB ? rows : columns;
    if (width < LEAST_OUTPUTS || rows * columns < LEAST_WEIGHTS) continue;
    const value = known.get(weight) ?? quantizeWeight(evaluate([weight], parameters)[0]!, node.attributes.transposeB);
    known.set(weight, value);
    quantized.set(node, value);
  }
  return quantized;
}

/** Nodes that an input reaches. */
export function dependingOnInputs(nodes: readonly Tensor[]): Set<Tensor> {
  const varying = new Set<Tensor>();
  for (const node of nodes)
    if (isOp(node, "input") || node.inputs.some((input) => varying.has(input))) varying.add(node);
  return varying;
}

/** What computed an output's numbers, behind changes of shape. */
function madeBy(output: Tensor): Tensor {
  return isOp(output, "reshape") || isOp(output, "expand") ? madeBy(output.inputs[0]!) : output;
}

/** weight (in, out), or (out, in) when transposed. */
export function quantizeWeight(weight: TensorData, transposed: boolean): QuantizedWeight {
  const [rows, columns] = weight.shape as readonly [number, number];
  const [inner, outer] = transposed ? [columns, rows] : [rows, columns];
  const [innerStride, outerStride] = transposed ? [1, columns] : [columns, 1];
  const source = toFloat64(weight);
  const values = new Int8Array(inner * outer);
  const scales = new Float32Array(outer);
  for (let o = 0; o < outer; o++) {
    let largest = 0;
    for (let i = 0; i < inner; i++) largest = Math.max(largest, Math.abs(source[i * innerStride + o * outerStride]!));
    const scale = Math.fround(largest / LARGEST_WEIGHT) || 1;
    scales[o] = scale;
    for (let i = 0; i < inner; i++)
      values[i * outer + o] = Math.round(source[i * innerStride + o * outerStride]! / scale);
  }
  return { values: tensor("int8", [inner, outer], values), scales: tensor("float32", [outer], scales) };
}
