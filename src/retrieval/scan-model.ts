// The product of query digits with the codes of many vectors, as an ONNX file: one MatMulInteger for each block of columns.
import { Emitter, type Initializer } from "../onnx/emitter.ts";
import { serialize, type TypedValue } from "../onnx/serialize.ts";
import { bytesOf, tensor } from "../tensor.ts";
import { QUERY_ZERO } from "./codes.ts";

/** Columns of one product: its numbers stay in the cache of a core while they are used. */
const BLOCK_COLUMNS = 16_384;
const OPSET = 17;

export const SCAN_INPUT = "digits";

/** Some columns of all: where they begin, and the output that has them. */
export interface ScanBlock {
  readonly output: string;
  readonly start: number;
  readonly columns: number;
}

export interface ScanModel {
  readonly bytes: Uint8Array;
  readonly blocks: readonly ScanBlock[];
}

/**
 * A model from `digits` uint8 (queries, width) to int32 (queries, columns) for each block: sums of (digit - 64) * code.
 *
 * @param codes (width, rows)
 * @param unit columns that stay in one block: those of one picture
 */
export function scanModel(codes: Int8Array, width: number, unit = 1): ScanModel {
  const rows = codes.length / width;
  const most = Math.max(unit, BLOCK_COLUMNS - (BLOCK_COLUMNS % unit));
  const emitter = new Emitter();
  emitter.reserve(SCAN_INPUT, "the input");
  const zero = emitter.constant(tensor("uint8", [], Uint8Array.of(QUERY_ZERO)));
  const outputs: TypedValue[] = [];
  const blocks: ScanBlock[] = [];
  for (let start = 0; start < rows; start += most) {
    const columns = Math.min(most, rows - start);
    const name = `codes.${blocks.length}`;
    emitter.reserve(name, "the codes");
    emitter.initializers.push(blockOf(name, codes, { width, rows, start, columns }));
    const output = emitter.emit("MatMulInteger", [SCAN_INPUT, name, zero]);
    outputs.push({ name: output, dtype: "int32", shape: ["queries", columns] });
    blocks.push({ output, start, columns });
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
  return { bytes, blocks };
}

interface Place {
  readonly width: number;
  readonly rows: number;
  readonly start: number;
  readonly columns: number;
}

/** Columns out of the whole, made when they are written. */
function blockOf(name: string, codes: Int8Array, { width, rows, start, columns }: Place): Initializer {
  return {
    name,
    dtype: "int8",
    shape: [width, columns],
    byteLength: width * columns,
    bytes() {
      const block = new Int8Array(width * columns);
      for (let d = 0; d < width; d++)
        block.set(codes.subarray(d * rows + start, d * rows + start + columns), d * columns);
      return bytesOf(block);
    },
  };
}
