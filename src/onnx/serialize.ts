// A finished graph to the bytes of an ONNX file. The messages go through the generated code; the weights do not: protobuf's writer copies
// a byte field once for each message around it, and here each weight is copied once, straight to its place in a file of known length.
import { create, toBinary } from "@bufbuild/protobuf";
import { LimitError } from "../errors.ts";
import type { Shape } from "../graph/dimensions.ts";
import type { DType } from "../tensor.ts";
import { ONNX_DTYPE } from "./dtypes.ts";
import { type Initializer, MICROSOFT, type Value } from "./emitter.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx-pb.ts";
import { lengthDelimited, putVarint, varintLength } from "./wire.ts";

export interface TypedValue {
  readonly name: Value;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface ModelParts {
  readonly opset: number;
  readonly domains: ReadonlySet<string>;
  readonly graphName: string;
  readonly docString: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly TypedValue[];
  readonly outputs: readonly TypedValue[];
  /** Values between inputs and outputs whose shapes the file states. */
  readonly inner: readonly TypedValue[];
  readonly initializers: readonly Initializer[];
}

/** Protobuf's own limit: readers count in signed 32 bits. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

const MODEL_GRAPH = lengthDelimited(7);
const GRAPH_INITIALIZER = lengthDelimited(5);
const TENSOR_RAW_DATA = lengthDelimited(9);

/** The file. Throws LimitError, before anything large is allocated, when it would be over 2 GB. */
export function serialize(parts: ModelParts): Uint8Array {
  const modelHead = modelWithoutGraph(parts);
  const graphHead = graphWithoutInitializers(parts);
  const tensors = parts.initializers.map((initializer) => {
    const head = tensorWithoutData(initializer);
    return {
      initializer,
      head,
      length: head.length + 1 + varintLength(initializer.byteLength) + initializer.byteLength,
    };
  });
  const graphLength = tensors.reduce((sum, { length }) => sum + 1 + varintLength(length) + length, graphHead.length);
  const total = modelHead.length + 1 + varintLength(graphLength) + graphLength;
  if (total > MAX_MODEL_BYTES)
    throw new LimitError(
      "the ONNX file",
      total,
      MAX_MODEL_BYTES,
      "bytes",
      'one protobuf file cannot be larger: store the parameters as float16, or lower with parametersAs: "inputs"',
    );

  const file = new Uint8Array(total);
  let at = 0;
  const put = (bytes: Uint8Array) => {
    file.set(bytes, at);
    at += bytes.length;
  };
  const open = (tag: number, length: number) => {
    file[at++] = tag;
    at = putVarint(file, at, length);
  };
  put(modelHead);
  open(MODEL_GRAPH, graphLength);
  put(graphHead);
  for (const { initializer, head, length } of tensors) {
    open(GRAPH_INITIALIZER, length);
    put(head);
    open(TENSOR_RAW_DATA, initializer.byteLength);
    put(initializer.bytes());
  }
  return file;
}

function modelWithoutGraph(parts: ModelParts): Uint8Array {
  const opsetImport = [{ domain: "", version: BigInt(parts.opset) }];
  if (parts.domains.has(MICROSOFT)) opsetImport.push({ domain: MICROSOFT, version: 1n });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: irVersion(parts.opset),
      producerName: "saccade",
      producerVersion: parts.producerVersion,
      docString: parts.docString,
      opsetImport,
      metadataProps: Object.entries(parts.metadata).map(([key, value]) => ({ key, value })),
    }),
  );
}

/** The oldest file format that knows the operator set, so that the oldest engines that could run the model also open it. */
function irVersion(opset: number): bigint {
  if (opset <= 18) return 8n;
  if (opset <= 20) return 9n;
  return opset <= 22 ? 10n : 11n;
}

function graphWithoutInitializers(parts: ModelParts): Uint8Array {
  return toBinary(
    GraphProtoSchema,
    create(GraphProtoSchema, {
      name: parts.graphName,
      node: [...parts.nodes],
      input: parts.inputs.map(valueInfo),
      output: parts.outputs.map(valueInfo),
      valueInfo: parts.inner.map(valueInfo),
    }),
  );
}

function valueInfo({ name, dtype, shape }: TypedValue): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: ONNX_DTYPE[dtype],
          shape: {
            dim: shape.map((size) => ({
              value:
                typeof size === "number"
                  ? { case: "dimValue" as const, value: BigInt(size) }
                  : { case: "dimParam" as const, value: size },
            })),
          },
        },
      },
    },
  });
}

function tensorWithoutData({ name, dtype, shape }: Initializer): Uint8Array {
  return toBinary(
    TensorProtoSchema,
    create(TensorProtoSchema, { name, dataType: ONNX_DTYPE[dtype], dims: shape.map((size) => BigInt(size)) }),
  );
}
