// Writing a graph anew, node by node, with some of them changed.
import { reshape } from "./build.ts";
import type { Shape } from "./dimensions.ts";
import { Graph, type Tensor } from "./tensor.ts";

/** How a node comes out in the new graph, given what became of its inputs; undefined for the same op once more. */
export type Change = (graph: Graph, node: Tensor, inputs: readonly Tensor[]) => Tensor | undefined;

/** A graph with the same inputs and parameters, that computes the given outputs under their names. */
export function rewrite(source: Graph, outputs: ReadonlyMap<string, Tensor>, change: Change): Graph {
  const graph = new Graph();
  for (const { attributes } of source.inputs.values()) graph.input(attributes.name, attributes.shape, attributes.dtype);
  for (const { name, shape, initializer, ...rest } of source.parameters.values())
    graph.parameter(name, shape, initializer, rest);
  const made = new Map<Tensor, Tensor>();
  for (const node of source.needed(outputs.values())) {
    graph.currentPath = node.path;
    const inputs = node.inputs.map((input) => made.get(input)!);
    made.set(node, change(graph, node, inputs) ?? again(graph, node, inputs));
  }
  for (const [name, node] of outputs) graph.output(name, made.get(node)!);
  return graph;
}

/** A node's op, applied to other inputs. */
export function again(graph: Graph, { op, attributes }: Tensor, inputs: readonly Tensor[]): Tensor {
  return op === "reshape"
    ? reshape(inputs[0]!, (attributes as { readonly shape: Shape }).shape)
    : (graph.apply(op, inputs, attributes) as Tensor);
}
