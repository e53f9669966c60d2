// Protobuf's wire, walked field by field without trusting it: what is not asked for is stepped over where it lies, so a file that lies about its
// sizes costs nothing.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FormatError, LimitError, SaccadeError } from "../errors.ts";

/** Ceilings no honest file comes near; they bound what a crafted one can make us allocate. */
export const MAX_ENTRIES = 100_000;
export const MAX_RANK = 64;
const MAX_NAME_BYTES = 65_536;

const decoder = new TextDecoder();

/**
 * Runs what reads an ONNX file.
 *
 * @throws FormatError where the reader ran into bytes that are none, and what `read` throws of this library
 */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SaccadeError) throw error;
    throw new FormatError("ONNX", "the bytes are cut off or not protobuf", {
      hint: "download or export the file again",
      cause: error,
    });
  }
}

/** Takes a field's value and says so, or leaves it (false) because it is of another wire type than it should be. */
export type Field = (reader: BinaryReader, wire: WireType) => boolean;

/** Walks a message. What the table does not know is stepped over. */
export function readFields(bytes: Uint8Array, fields: Readonly<Record<number, Field>>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (fields[field]?.(reader, wire) !== true) reader.skip(wire, field);
  }
}

export const message =
  (read: (bytes: Uint8Array) => void): Field =>
  (reader, wire) => {
    if (wire !== WireType.LengthDelimited) return false;
    read(reader.bytes());
    return true;
  };

export const text = (take: (value: string) => void, limit = MAX_NAME_BYTES): Field =>
  message((bytes) => {
    if (bytes.length > limit) throw new LimitError("a text in the ONNX file", bytes.length, limit, "bytes");
    take(decoder.decode(bytes));
  });

/** Whole numbers, one by one or packed. */
export const integers =
  (take: (value: number) => void): Field =>
  (reader, wire) => {
    if (wire === WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) take(Number(packed.int64()));
    } else if (wire === WireType.Varint) take(Number(reader.int64()));
    else return false;
    return true;
  };

/** Counts bytes without looking at them. */
export const byteCount = (take: (bytes: number) => void): Field => message((bytes) => take(bytes.length));

// --- writing ---------------------------------------------------------------------------------------------------------------------

/** Field number (below 16) and wire type 2, as one byte. */
export const lengthDelimited = (field: number): number => (field << 3) | WireType.LengthDelimited;

/** Bytes that a whole number takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a whole number at a place, and says where the next one goes. */
export function putVarint(file: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest >= 128) {
    file[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  file[at++] = rest;
  return at;
}
