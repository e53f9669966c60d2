// A model that copies. It is loaded where it is needed alone: what writes models is a good part of what a session's worker would import.
import { stopGradient } from "../../graph/build.ts";
import type { GraphDType } from "../../graph/ops.ts";
import { Graph } from "../../graph/tensor.ts";
import { lower } from "../../onnx/lower.ts";

/** ONNX bytes: input "N" becomes output "copy.N", for each of the values. */
export function copyingModel(
  values: readonly { readonly type: string; readonly dims: readonly number[] }[],
): Uint8Array {
  const graph = new Graph();
  for (const [i, { dims, type }] of values.entries())
    graph.output(`copy.${i}`, stopGradient(graph.input(`${i}`, dims, type as GraphDType)));
  return lower(graph);
}
