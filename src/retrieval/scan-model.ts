// The product of query digits with the codes of many vectors, as an ONNX file: one MatMulInteger for each block of them.
import { Emitter } from "../onnx/emitter.ts";
import { serialize, type TypedValue } from "../onnx/serialize.ts";
import { bytesOf, tensor } from "../tensor.ts";
import { type Codes, QUERY_ZERO } from "./codes.ts";

const OPSET = 17;

export const SCAN_INPUT = "digits";

export interface ScanModel {
  readonly bytes: Uint8Array;
  /** Names of the outputs, one for each block. */
  readonly outputs: readonly string[];
}

/**
 * A model from `digits` uint8 (queries, width) to int32 (queries, columns) for each block of codes: sums of (digit - 64) * code. Blocks are small
 * enough that the numbers of one product stay in the cache of a core while they are used.
 */
export function scanModel(blocks: readonly Codes[], width: number): ScanModel {
  const emitter = new Emitter();
  emitter.reserve(SCAN_INPUT, "the input");
  const zero = emitter.constant(tensor("uint8", [], Uint8Array.of(QUERY_ZERO)));
  const outputs: TypedValue[] = [];
  for (const { codes, rows } of blocks) {
    const name = `codes.${outputs.length}`;
    emitter.reserve(name, "the codes");
    const bytes = () => bytesOf(codes);
    emitter.initializers.push({ name, dtype: "int8", shape: [width, rows], byteLength: codes.length, bytes });
    const output = emitter.emit("MatMulInteger", [SCAN_INPUT, name, zero]);
    outputs.push({ name: output, dtype: "int32", shape: ["queries", rows] });
  }
  const bytes = serialize({
    opset: OPSET,
    domains: emitter.domains,
    graphName: "scan",
    docString: "",
    producerVersion: "",
    metadata: {},
    nodes: emitter.nodes,
    inputs: [{ name: SCAN_INPUT, dtype: "uint8", shape: ["queries", width] }],
    outputs,
    inner: [],
    initializers: emitter.initializers,
  });
  return { bytes, outputs: outputs.map(({ name }) => name) };
}
