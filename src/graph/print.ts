// A graph as text that a person can read, one line a node:
//   %3: f32[batch, 49, 256] = matMul(%1, layers.0.attn.qkv.weight) {transposeB}    # layers.0.attn
import { printShape } from "./dimensions.ts";
import type { GraphDType, OpAttributes } from "./ops.ts";
import { type Graph, isOp, type Tensor } from "./tensor.ts";

const SHORT: Readonly<Record<GraphDType, string>> = {
  float32: "f32",
  float16: "f16",
  int64: "i64",
  int32: "i32",
  uint8: "u8",
  int8: "i8",
  bool: "bool",
};

/** The nodes that the outputs need. Parameters, inputs and scalars stand by name or value; they get no line of their own. */
export function printGraph(graph: Graph): string {
  const lines: string[] = [];
  for (const [name, input] of graph.inputs) lines.push(`input ${name}: ${type(input)}`);
  let number = 0;
  const names = new Map<Tensor, string>();
  const name = (node: Tensor) => names.get(node) ?? inlineName(node);
  for (const node of graph.needed()) {
    if (inlineName(node) !== "") continue;
    names.set(node, `%${number++}`);
    const comment = node.path === "" ? "" : `    # ${node.path}`;
    lines.push(
      `${name(node)}: ${type(node)} = ${node.op}(${node.inputs.map(name).join(", ")})${printAttributes(node)}${comment}`,
    );
  }
  for (const [output, node] of graph.outputs) lines.push(`output ${output} = ${name(node)}`);
  return `${lines.join("\n")}\n`;
}

function type(node: Tensor): string {
  return `${SHORT[node.dtype]}${printShape(node.shape)}`;
}

function inlineName(node: Tensor): string {
  if (isOp(node, "input") || isOp(node, "parameter")) return node.attributes.name;
  if (isOp(node, "constant") && node.attributes.value.data.length === 1) return String(node.attributes.value.data[0]);
  return "";
}

function printAttributes(node: Tensor): string {
  if (isOp(node, "constant")) return "";
  const parts = Object.entries(node.attributes as OpAttributes[keyof OpAttributes]).flatMap(
    ([key, value]): string[] => {
      if (value === false) return [];
      if (value === true) return [key];
      if (Array.isArray(value)) return [`${key}=[${value.join(", ")}]`];
      return [`${key}=${value}`];
    },
  );
  return parts.length === 0 ? "" : ` {${parts.join(", ")}}`;
}
