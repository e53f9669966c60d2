// The nodes of an ONNX file: what is computed from what.
import { LimitError } from "../errors.ts";
import { integers, message, readFields, reading, text } from "./wire.ts";

export interface OnnxNode {
  readonly name: string;
  /** Outside the standard domain with it in front: "com.microsoft.QuickGelu". */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that are a whole number: "axis", "to". */
  readonly integers: ReadonlyMap<string, number>;
}

/** More than the largest models have, and small enough to be listed. */
const MAX_NODES = 1_000_000;
/** Inputs and outputs of all nodes together. */
const MAX_VALUES = 4 * MAX_NODES;

/**
 * The nodes of a file's main graph in its order, in which each comes after those it depends on.
 *
 * @throws FormatError for bytes that are no ONNX file; LimitError
 */
export function readNodes(bytes: Uint8Array): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  let values = 0;
  const readGraph = (graph: Uint8Array) =>
    readFields(graph, {
      1: message((content) => {
        const node = readNode(content);
        values += node.inputs.length + node.outputs.length;
        if (nodes.length >= MAX_NODES)
          throw new LimitError("nodes in the ONNX file", nodes.length + 1, MAX_NODES, "nodes");
        if (values > MAX_VALUES) throw new LimitError("values in the ONNX file", values, MAX_VALUES, "values");
        nodes.push(node);
      }),
    });
  reading(() => readFields(bytes, { 7: message(readGraph) }));
  return nodes;
}

/** An operator's name as it is shown: the standard domain has two names, and is left out. */
export const operatorName = (operator: string, domain: string) =>
  domain === "" || domain === "ai.onnx" ? operator : `${domain}.${operator}`;

function readNode(bytes: Uint8Array): OnnxNode {
  let name = "";
  let operator = "";
  let domain = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, number>();
  readFields(bytes, {
    1: text((input) => inputs.push(input)),
    2: text((output) => outputs.push(output)),
    3: text((value) => {
      name = value;
    }),
    4: text((value) => {
      operator = value;
    }),
    5: message((attribute) => readAttribute(attribute, attributes)),
    7: text((value) => {
      domain = value;
    }),
  });
  return { name, op: operatorName(operator, domain), inputs, outputs, integers: attributes };
}

function readAttribute(bytes: Uint8Array, found: Map<string, number>): void {
  let name = "";
  let value: number | undefined;
  readFields(bytes, {
    1: text((content) => {
      name = content;
    }),
    3: integers((whole) => {
      value = whole;
    }),
  });
  if (value !== undefined) found.set(name, value);
}
