// What an ONNX file says about itself, read from its bytes without trusting them: walked field by field on protobuf's wire, so that weights
// are stepped over where they lie and a file that lies about its sizes costs nothing.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FormatError, LimitError } from "../errors.ts";
import { BYTES_PER_ELEMENT, type DType, elementCount } from "../tensor.ts";
import { dtypeFromOnnx } from "./dtypes.ts";
import { operatorName } from "./nodes.ts";
import { byteCount, integers, MAX_ENTRIES, MAX_RANK, message, readFields, reading, text } from "./wire.ts";

/** An input or output. A free size is its name, or "?" when the file gives none; the shape is undefined when the file leaves it open. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly dtype: DType | (string & {});
  readonly shape: readonly (number | string)[] | undefined;
}

/** A weight stored in the file. */
export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: DType | (string & {});
  readonly shape: readonly number[];
  /** Bytes it takes up in this file; 0 when the values are in another one. */
  readonly bytes: number;
}

export interface OnnxSummary {
  readonly irVersion: number;
  /** Operator sets by domain; the standard one is "". */
  readonly opsets: Readonly<Record<string, number>>;
  /** Name and version of what wrote the file. */
  readonly producer: string;
  readonly graphName: string;
  /** What a run is fed; initializers that the file also lists as inputs are left out. */
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly initializers: readonly OnnxInitializer[];
  readonly nodeCount: number;
  /** How often each operator occurs; names outside the standard domain carry it ("com.microsoft.QuickGelu"). */
  readonly opCounts: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** No honest file comes near. */
const MAX_METADATA_BYTES = 64 * 2 ** 20;

/**
 * Reads a file's declaration: versions, inputs, outputs, weights by name, operators and metadata. Weights are not copied.
 *
 * @throws FormatError when the bytes are not an ONNX file, are cut off, or contradict themselves.
 * @throws LimitError when there are more entries than any honest file has.
 */
export function readOnnx(bytes: Uint8Array): OnnxSummary {
  return reading(() => summarise(bytes));
}

/** Whether bytes (the beginning of a file is enough) look like an ONNX file. */
export function isOnnx(bytes: Uint8Array): boolean {
  try {
    return looksLikeModel(new BinaryReader(bytes));
  } catch {
    return false;
  }
}

function looksLikeModel(reader: BinaryReader): boolean {
  let version = 0;
  for (let fields = 0; fields < 64; fields++) {
    const [field, wire] = reader.tag();
    if (field === 7) return wire === WireType.LengthDelimited && version > 0;
    if (field === 1 && wire === WireType.Varint) {
      version = reader.uint32();
      if (version > 1000) return false;
    } else if (wire === (field === 5 ? WireType.Varint : WireType.LengthDelimited) && MODEL_FIELDS.has(field))
      reader.skip(wire);
    else return false;
  }
  return false;
}

/** producer, domain, model version, documentation, operator sets, metadata, training, functions, devices. */
const MODEL_FIELDS = new Set([2, 3, 4, 5, 6, 8, 14, 20, 25, 26]);

/** Everything collected so far; the graph may come in several pieces. */
interface Collected {
  irVersion: number;
  readonly opsets: Map<string, number>;
  readonly producer: { name: string; version: string };
  graphs: number;
  graphName: string;
  readonly inputs: OnnxValueInfo[];
  readonly outputs: OnnxValueInfo[];
  readonly initializers: OnnxInitializer[];
  nodeCount: number;
  readonly opCounts: Map<string, number>;
  readonly metadata: Map<string, string>;
  metadataBytes: number;
}

function summarise(bytes: Uint8Array): OnnxSummary {
  const found: Collected = {
    irVersion: 0,
    opsets: new Map(),
    producer: { name: "", version: "" },
    graphs: 0,
    graphName: "",
    inputs: [],
    outputs: [],
    initializers: [],
    nodeCount: 0,
    opCounts: new Map(),
    metadata: new Map(),
    metadataBytes: 0,
  };
  readModel(bytes, found);
  if (found.irVersion < 1 || found.graphs === 0)
    throw new FormatError("ONNX", "the bytes hold no model", {
      hint: "an ONNX file starts with a version and holds a graph",
    });
  const stored = new Set(found.initializers.map(({ name }) => name));
  return {
    irVersion: found.irVersion,
    opsets: Object.fromEntries(found.opsets),
    producer: [found.producer.name, found.producer.version].filter((part) => part !== "").join(" "),
    graphName: found.graphName,
    inputs: found.inputs.filter(({ name }) => !stored.has(name)),
    outputs: found.outputs,
    initializers: found.initializers,
    nodeCount: found.nodeCount,
    opCounts: Object.fromEntries([...found.opCounts].sort(([a], [b]) => (a < b ? -1 : 1))),
    metadata: Object.fromEntries(found.metadata),
  };
}

function requireRoom(what: string, count: number): void {
  if (count >= MAX_ENTRIES) throw new LimitError(`${what} in the ONNX file`, count + 1, MAX_ENTRIES, "entries");
}

// --- messages (field numbers of onnx.proto) --------------------------------------------------------------------------------------

function readModel(bytes: Uint8Array, found: Collected): void {
  readFields(bytes, {
    1: integers((version) => {
      found.irVersion = version;
    }),
    2: text((name) => {
      found.producer.name = name;
    }),
    3: text((version) => {
      found.producer.version = version;
    }),
    7: message((graph) => {
      found.graphs++;
      readGraph(graph, found);
    }),
    8: message((opset) => readOpset(opset, found)),
    14: message((entry) => readMetadataEntry(entry, found)),
  });
}

function readGraph(bytes: Uint8Array, found: Collected): void {
  const add = <T>(list: T[], what: string, entry: T) => {
    requireRoom(what, list.length);
    list.push(entry);
  };
  readFields(bytes, {
    1: message((node) => countNode(node, found)),
    2: text((name) => {
      found.graphName = name;
    }),
    5: message((tensor) => add(found.initializers, "weights", readInitializer(tensor))),
    11: message((value) => add(found.inputs, "inputs", readValueInfo(value))),
    12: message((value) => add(found.outputs, "outputs", readValueInfo(value))),
  });
}

function countNode(bytes: Uint8Array, found: Collected): void {
  let operator = "";
  let domain = "";
  readFields(bytes, {
    4: text((name) => {
      operator = name;
    }),
    7: text((name) => {
      domain = name;
    }),
  });
  const name = operatorName(operator, domain);
  if (!found.opCounts.has(name)) requireRoom("different operators", found.opCounts.size);
  found.opCounts.set(name, (found.opCounts.get(name) ?? 0) + 1);
  found.nodeCount++;
}

function readOpset(bytes: Uint8Array, found: Collected): void {
  let domain = "";
  let version = 0;
  readFields(bytes, {
    1: text((name) => {
      domain = name;
    }),
    2: integers((value) => {
      version = value;
    }),
  });
  requireRoom("operator sets", found.opsets.size);
  found.opsets.set(domain === "ai.onnx" ? "" : domain, version);
}

function readMetadataEntry(bytes: Uint8Array, found: Collected): void {
  let key = "";
  let value = "";
  found.metadataBytes += bytes.length;
  if (found.metadataBytes > MAX_METADATA_BYTES)
    throw new LimitError("metadata in the ONNX file", found.metadataBytes, MAX_METADATA_BYTES, "bytes");
  readFields(bytes, {
    1: text((name) => {
      key = name;
    }),
    2: text((content) => {
      value = content;
    }, MAX_METADATA_BYTES),
  });
  requireRoom("metadata", found.metadata.size);
  found.metadata.set(key, value);
}

function readInitializer(bytes: Uint8Array): OnnxInitializer {
  let name = "";
  let elementType = 0;
  let rawBytes: number | undefined;
  let typedBytes = 0;
  const shape: number[] = [];
  const typed = byteCount((count) => {
    typedBytes += count;
  });
  readFields(bytes, {
    1: integers((size) => addSize(shape, size)),
    2: integers((value) => {
      elementType = value;
    }),
    // float_data, int32_data, string_data, int64_data, double_data, uint64_data
    4: typed,
    5: typed,
    6: typed,
    7: typed,
    10: typed,
    11: typed,
    8: text((value) => {
      name = value;
    }),
    9: byteCount((count) => {
      rawBytes = count;
    }),
  });
  const dtype = dtypeFromOnnx(elementType);
  const size = Object.hasOwn(BYTES_PER_ELEMENT, dtype) ? BYTES_PER_ELEMENT[dtype as DType] : undefined;
  if (rawBytes !== undefined && size !== undefined && rawBytes !== elementCount(shape) * size)
    throw new FormatError(
      "ONNX",
      `weight "${name}" holds ${rawBytes} bytes, its shape [${shape.join(", ")}] says otherwise`,
    );
  return { name, dtype, shape, bytes: rawBytes ?? typedBytes };
}

function addSize(shape: number[], size: number): void {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new FormatError("ONNX", `a weight has a dimension of size ${size}`);
  addDimension(shape, size);
}

function addDimension<T>(shape: T[], size: T): void {
  if (shape.length >= MAX_RANK)
    throw new LimitError("dimensions in the ONNX file", shape.length + 1, MAX_RANK, "dimensions");
  shape.push(size);
}

/** ValueInfoProto > TypeProto > Tensor > TensorShapeProto. */
function readValueInfo(bytes: Uint8Array): OnnxValueInfo {
  let name = "";
  let elementType: number | undefined;
  let shape: (number | string)[] | undefined;
  const readShape = (shapeBytes: Uint8Array) => {
    const sizes: (number | string)[] = [];
    readFields(shapeBytes, { 1: message((dimension) => addDimension(sizes, readDimension(dimension))) });
    shape = sizes;
  };
  const readTensorType = (type: Uint8Array) =>
    readFields(type, {
      1: integers((value) => {
        elementType = value;
      }),
      2: message(readShape),
    });
  readFields(bytes, {
    1: text((value) => {
      name = value;
    }),
    2: message((type) => readFields(type, { 1: message(readTensorType) })),
  });
  return { name, dtype: elementType === undefined ? "not a tensor" : dtypeFromOnnx(elementType), shape };
}

function readDimension(bytes: Uint8Array): number | string {
  let size: number | string = "?";
  readFields(bytes, {
    1: integers((value) => {
      size = Number.isSafeInteger(value) && value >= 0 ? value : "?";
    }),
    2: text((value) => {
      size = value === "" ? "?" : value;
    }),
  });
  return size;
}
