// A file of which one value is read, perhaps in its middle: what nobody needs for it is left out, because engines compute all that a file has.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FormatError } from "../errors.ts";
import { innerValues } from "./inner-values.ts";
import { type GraphProto, ModelProtoSchema, type NodeProto, ValueInfoProtoSchema } from "./onnx-pb.ts";
import { readOnnx } from "./read.ts";

/** The names of a file's values that can be read: what its nodes compute, its outputs among them. */
export function onnxLayers(bytes: Uint8Array): string[] {
  return innerValues(bytes).map(({ name }) => name);
}

/** The model with this value as its only output. A file that declares it as an output is left as it is. */
export function withOutput(bytes: Uint8Array, model: string, value: string): Uint8Array {
  if (readOnnx(bytes).outputs.some(({ name }) => name === value)) return bytes;
  const file = decode(bytes, model);
  const graph = file.graph!;
  graph.node = neededNodes(graph, value);
  const read = new Set(graph.node.flatMap(inputsOf));
  graph.initializer = graph.initializer.filter(({ name }) => read.has(name));
  const declared = graph.valueInfo.find(({ name }) => name === value);
  graph.output = [declared ?? create(ValueInfoProtoSchema, { name: value })];
  graph.valueInfo = graph.valueInfo.filter(({ name }) => name !== value);
  return toBinary(ModelProtoSchema, file);
}

function decode(bytes: Uint8Array, model: string) {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new FormatError(model, "the bytes are not an ONNX file", { cause });
  }
}

/** In a file each node comes after those it depends on. */
function neededNodes({ node }: GraphProto, value: string): NodeProto[] {
  const wanted = new Set([value]);
  const needed: NodeProto[] = [];
  for (const each of node.toReversed()) {
    if (!each.output.some((name) => wanted.has(name))) continue;
    needed.push(each);
    for (const name of inputsOf(each)) wanted.add(name);
  }
  return needed.reverse();
}

/** What a node reads, graphs inside it included: these read values from around them by name. */
function inputsOf({ input, attribute }: NodeProto): string[] {
  const inside = attribute.flatMap(({ g, graphs }) => [...(g === undefined ? [] : [g]), ...graphs]);
  return [
    ...input,
    ...inside.flatMap((graph) => [...graph.node.flatMap(inputsOf), ...graph.output.map(({ name }) => name)]),
  ];
}
