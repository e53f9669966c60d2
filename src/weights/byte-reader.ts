// A cursor over bytes that cannot leave them: every read checks what is left and throws a FormatError that says where the file ends.
// Little-endian, as every format in this folder is.
import { FormatError } from "../errors.ts";

/** A plain Uint8Array over the same memory. A Node Buffer is a Uint8Array whose `slice` does not copy, so readers normalise first. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 to text. @throws FormatError when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, format: string, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new FormatError(format, `${what} is not UTF-8`, { cause });
  }
}

/** Bytes to text, one character a byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096)
    parts.push(String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, bytes.length))));
  return parts.join("");
}

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly format: string;
  position: number;
  readonly #view: DataView;

  /** @param bytes what to read; @param format named in errors; @param position where to start. */
  constructor(bytes: Uint8Array, format: string, position = 0) {
    this.bytes = plainBytes(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.format = format;
    this.position = position;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** Claims `count` bytes and returns where they start. */
  #claim(count: number): number {
    if (count > this.remaining)
      throw new FormatError(
        this.format,
        `truncated: ${count} bytes wanted at ${this.position}, ${Math.max(0, this.remaining)} are left`,
        { hint: "the file is incomplete or damaged; download it again" },
      );
    const start = this.position;
    this.position += count;
    return start;
  }

  u8(): number {
    return this.bytes[this.#claim(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.#claim(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#claim(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#claim(4), true);
  }

  /** An unsigned 64-bit number. One beyond 2^53 cannot be a size or an offset in memory, so it is an error. */
  u64(): number {
    const at = this.position;
    const value = this.#view.getBigUint64(this.#claim(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new FormatError(this.format, `the 64-bit number at ${at} is ${value}, which no size can be`);
    return Number(value);
  }

  /** Big-endian double: the one big-endian number that pickles have. */
  doubleBigEndian(): number {
    return this.#view.getFloat64(this.#claim(8), false);
  }

  /** The next `count` bytes, a view. */
  take(count: number): Uint8Array {
    const start = this.#claim(count);
    return this.bytes.subarray(start, start + count);
  }

  /** The bytes up to the next newline, which is consumed and not returned. */
  line(): Uint8Array {
    const end = this.bytes.indexOf(10, this.position);
    if (end < 0) throw new FormatError(this.format, `truncated: no end of the line that starts at ${this.position}`);
    const text = this.bytes.subarray(this.position, end);
    this.position = end + 1;
    return text;
  }
}
