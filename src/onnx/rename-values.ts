// Other names for values of a model, wherever they are mentioned: in nodes, in the graphs inside nodes, among inputs, outputs and weights.
import type { GraphProto } from "./onnx-pb.ts";

/** Changes the graph that is handed over. Names that are not in the map stay. */
export function renameValues(graph: GraphProto, names: ReadonlyMap<string, string>): void {
  const rename = (name: string) => names.get(name) ?? name;
  for (const node of graph.node) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
    for (const { g, graphs } of node.attribute)
      for (const inner of g === undefined ? graphs : [g, ...graphs]) renameValues(inner, names);
  }
  for (const value of [...graph.input, ...graph.output, ...graph.valueInfo, ...graph.initializer])
    value.name = rename(value.name);
  for (const { values } of graph.sparseInitializer) if (values !== undefined) values.name = rename(values.name);
  for (const annotation of graph.quantizationAnnotation) annotation.tensorName = rename(annotation.tensorName);
}
