// Small foreign graphs for tests, written as an exporter would.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type GraphProtoSchema, ModelProtoSchema, type NodeProto, NodeProtoSchema } from "./onnx-pb.ts";

/** A node; attributes are whole numbers. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, number>> = {},
): NodeProto {
  const [operator, domain] = [opType.replace(/^.*\./, ""), opType.replace(/\.?[^.]*$/, "")];
  return create(NodeProtoSchema, {
    opType: operator!,
    domain: domain!,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) => ({ name, i: BigInt(value), type: 2 })),
  });
}

/** A whole file around a graph. */
export function modelBytes(graph: MessageInitShape<typeof GraphProtoSchema>): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: "test",
      graph,
      opsetImport: [{ domain: "", version: 13n }],
    }),
  );
}
