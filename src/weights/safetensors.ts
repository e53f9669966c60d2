// safetensors: an 8-byte header length, a JSON header, raw little-endian tensors. https://github.com/huggingface/safetensors
// Reading follows the reference implementation's checks (safetensors/src/tensor.rs: SafeTensors::read_metadata, Metadata::validate)
// and refuses duplicate keys as well, as the format's description demands. Writing orders tensors as the reference does.
import { FormatError, UsageError } from "../errors.ts";
import { arrayFromBytes, BYTES_PER_ELEMENT, bytesOf, type DType, elementCount, type TensorData } from "../tensor.ts";
import { ByteReader, decodeUtf8, plainBytes } from "./byte-reader.ts";
import { findDuplicateKey } from "./json-keys.ts";
import { quote } from "./quote.ts";
import { checkedElementCount, isSize } from "./shapes.ts";

const FORMAT = "safetensors";

/** The reference implementation's bound on the header. */
export const MAX_HEADER_BYTES = 100_000_000;

const DTYPE_OF_TAG: ReadonlyMap<string, DType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);
const TAG_OF_DTYPE = new Map([...DTYPE_OF_TAG].map(([tag, dtype]) => [dtype, tag]));

/** The order in which the reference writes dtypes: widest first, so that every tensor is aligned to its element size. */
const WRITING_ORDER: readonly DType[] = [
  "uint64",
  "int64",
  "float64",
  "float32",
  "uint32",
  "int32",
  "bfloat16",
  "float16",
  "uint16",
  "int16",
  "int8",
  "uint8",
  "bool",
];

/** One tensor as the header describes it. `start` and `end` count bytes from the start of the file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: Record<string, string>;
}

/**
 * Names, dtypes, shapes and places of a file's tensors; no tensor data is touched.
 * @param bytes the file, or at least its header (then give `fileSize`).
 * @param fileSize the size of the whole file in bytes.
 * @throws FormatError for anything the format does not allow: see the messages.
 */
export function readSafetensorsHeader(bytes: Uint8Array, fileSize: number = bytes.length): SafetensorsHeader {
  const reader = new ByteReader(bytes, FORMAT);
  const length = reader.u64();
  if (length > MAX_HEADER_BYTES)
    throw new FormatError(FORMAT, `the header claims ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  if (length > fileSize - 8)
    throw new FormatError(FORMAT, `the header claims ${length} bytes, but the file has ${fileSize}`);
  const text = decodeUtf8(reader.take(length), FORMAT, "the header");
  const header = parseHeader(text);
  const entries: SafetensorsEntry[] = [];
  for (const [name, value] of Object.entries(header))
    if (name !== "__metadata__") entries.push(checkEntry(name, value, reader.position));
  checkLayout(entries, reader.position, fileSize);
  return { entries, metadata: checkMetadata(header.__metadata__) };
}

/**
 * Reads a safetensors file. Tensors are views into `bytes` where alignment allows, else copies; values, NaN included, are untouched.
 * @throws FormatError for anything the format does not allow.
 */
export function readSafetensors(bytes: Uint8Array): {
  tensors: Map<string, TensorData>;
  metadata: Record<string, string>;
} {
  const plain = plainBytes(bytes);
  const { entries, metadata } = readSafetensorsHeader(plain);
  const tensors = new Map<string, TensorData>();
  for (const { name, dtype, shape, start, end } of entries)
    tensors.set(name, { dtype, shape, data: arrayFromBytes(dtype, plain.subarray(start, end)) });
  return { tensors, metadata };
}

/**
 * Writes a safetensors file, byte for byte the same for the same tensors: dtypes widest first and names in code point order within a
 * dtype, as the reference implementation does (so the order given does not matter), metadata keys sorted, header padded to 8 bytes.
 * @throws UsageError for a name given twice or reserved, or data that does not fill its shape.
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, TensorData]>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      WRITING_ORDER.indexOf(a.dtype) - WRITING_ORDER.indexOf(b.dtype) || compareCodePoints(nameA, nameB),
  );
  const entries: [string, unknown][] = [];
  if (metadata !== undefined)
    entries.push(["__metadata__", Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)))]);
  const seen = new Set(["__metadata__"]);
  let offset = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    if (seen.has(name)) throw new UsageError(`cannot write a tensor named ${quote(name)}: the name is taken`);
    seen.add(name);
    if (data.length !== elementCount(shape))
      throw new UsageError(
        `cannot write ${quote(name)}: [${shape.join(", ")}] needs another count than ${data.length}`,
      );
    const end = offset + data.byteLength;
    entries.push([name, { dtype: TAG_OF_DTYPE.get(dtype), shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Not one object for all entries: an object would reorder names that look like numbers.
  const json = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
  const header = new TextEncoder().encode(json);
  const padded = Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(8 + padded + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.fill(0x20, 8, 8 + padded);
  file.set(header, 8);
  let at = 8 + padded;
  for (const [, { data }] of sorted) {
    file.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return file;
}

function parseHeader(text: string): Record<string, unknown> {
  if (!text.startsWith("{")) throw new FormatError(FORMAT, "the header is not a JSON object");
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(FORMAT, "the header is not valid JSON", { cause });
  }
  if (!isRecord(header)) throw new FormatError(FORMAT, "the header is not a JSON object");
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) throw new FormatError(FORMAT, `the header has the key ${quote(duplicate)} twice`);
  return header;
}

function checkEntry(name: string, value: unknown, dataStart: number): SafetensorsEntry {
  if (!isRecord(value)) throw new FormatError(FORMAT, `the header's entry ${quote(name)} is not an object`);
  const { dtype: tag, shape, data_offsets: offsets } = value;
  const dtype = typeof tag === "string" ? DTYPE_OF_TAG.get(tag) : undefined;
  if (dtype === undefined)
    throw new FormatError(FORMAT, `${quote(name)} has the dtype ${typeof tag === "string" ? quote(tag) : typeof tag}`, {
      hint: `supported are ${[...DTYPE_OF_TAG.keys()].join(", ")}`,
    });
  if (!Array.isArray(shape)) throw new FormatError(FORMAT, `${quote(name)} has no shape`);
  const count = checkedElementCount(shape, FORMAT, quote(name));
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    throw new FormatError(FORMAT, `${quote(name)} has no valid data_offsets`);
  const [start, end] = offsets as [number, number];
  if (end < start || end - start !== count * BYTES_PER_ELEMENT[dtype])
    throw new FormatError(
      FORMAT,
      `${quote(name)} is ${tag} [${shape.join(", ")}], which is ${count * BYTES_PER_ELEMENT[dtype]} bytes, but its offsets are ${start} to ${end}`,
    );
  return { name, dtype, shape: shape as number[], start: dataStart + start, end: dataStart + end };
}

/** Sorts the entries by place and demands that they tile the rest of the file: no hole, no overlap, nothing left over. */
function checkLayout(entries: SafetensorsEntry[], dataStart: number, fileSize: number): void {
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let expected = dataStart;
  for (const { name, start, end } of entries) {
    if (start !== expected)
      throw new FormatError(
        FORMAT,
        `${quote(name)} starts at byte ${start}, but the data before it ends at ${expected}: ${start < expected ? "an overlap" : "a hole"}`,
      );
    expected = end;
  }
  if (expected !== fileSize)
    throw new FormatError(FORMAT, `the tensors end at byte ${expected}, but the file has ${fileSize}`, {
      hint:
        expected > fileSize ? "the file is incomplete; download it again" : "the file has bytes that belong to nothing",
    });
}

function checkMetadata(value: unknown): Record<string, string> {
  // Some writers say null for none.
  if (value === undefined || value === null) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === "string"))
    throw new FormatError(FORMAT, "__metadata__ is not an object of strings");
  return value as Record<string, string>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The order of UTF-8 bytes. JavaScript's own `<` compares UTF-16 units, which differs above U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
