// Sums that a normalisation reads: com.microsoft has one kernel for both, which gives the sum as well. On processors it gains nothing; a graphics card
// has one kernel less to start.
import { shapesEqual } from "../graph/dimensions.ts";
import { isOp, type Tensor } from "../graph/tensor.ts";
import { type Emitter, MICROSOFT, type Value } from "./emitter.ts";

/** The kernel's threads share out a row among them: narrower rows would be left to one of them. */
const ROW_STEP = 256;

/** Of each such sum, the first normalisation that reads it. */
export function normedSums(nodes: readonly Tensor[]): Map<Tensor<"add">, Tensor<"layerNorm">> {
  const found = new Map<Tensor<"add">, Tensor<"layerNorm">>();
  for (const node of nodes) {
    if (!isOp(node, "layerNorm")) continue;
    const [sum, ...affine] = node.inputs as readonly [Tensor, ...Tensor[]];
    if (!isOp(sum, "add") || found.has(sum) || !affine.every((input) => isOp(input, "parameter"))) continue;
    const { dtype, inputs, shape } = sum;
    const isLayers = shape.length === 2 || shape.length === 3;
    const isWide = Number(shape.at(-1)) % ROW_STEP === 0;
    if (isLayers && isWide && dtype === "float32" && inputs.every((input) => shapesEqual(input.shape, shape)))
      found.set(sum, node);
  }
  return found;
}

/** Both in one kernel. @param affine scale and bias, by name */
export function emitNormedSum(
  emitter: Emitter,
  summands: readonly Value[],
  affine: readonly Value[],
  epsilon: number,
): { readonly normal: Value; readonly sum: Value } {
  const attributes = { epsilon: { float: epsilon } };
  const normal = emitter.emit("SkipLayerNormalization", [...summands, ...affine], attributes, MICROSOFT);
  return { normal, sum: emitter.furtherOutput(emitter.nodes.at(-1)!, 3, "/sum") };
}
