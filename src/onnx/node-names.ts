// The names of an ONNX file's nodes, in their order; weights are stepped over where they lie.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FormatError } from "../errors.ts";

const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const NODE_NAME = 3;

/** Nodes inside of branches and loops are not listed. Throws FormatError when the bytes are not such a file. */
export function nodeNames(bytes: Uint8Array): string[] {
  try {
    return fields(bytes, MODEL_GRAPH)
      .flatMap((graph) => fields(graph, GRAPH_NODE))
      .map((node) => new TextDecoder().decode(fields(node, NODE_NAME).at(-1)));
  } catch (cause) {
    throw new FormatError("ONNX", "its nodes cannot be read", { cause });
  }
}

/** The values of a message's field of bytes, as views. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}
