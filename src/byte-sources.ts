// What a caller may hand over where the bytes of a file are wanted, and what to call a value that is none of it. Values are known by their
// brands and methods and never by `instanceof`: what another realm made (a vm context, a frame) is as good as our own.
import { LimitError, NetworkError, UsageError } from "./errors.ts";

/** Bytes in memory. */
export type Bytes = Uint8Array | Uint8ClampedArray | DataView | ArrayBuffer | SharedArrayBuffer;

/** A Blob or a File. */
export interface BlobLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What `fetch` answers. */
export interface ResponseLike {
  readonly ok: boolean;
  readonly status: number;
  readonly bodyUsed: boolean;
  readonly body: { getReader(): BodyReader } | null;
}

interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** A URL object. */
export interface UrlLike {
  readonly href: string;
  readonly protocol: string;
}

/** Bytes, or what gives them when asked. */
export type ByteSource = Bytes | BlobLike | ResponseLike;

const BYTE_VIEWS: ReadonlySet<string> = new Set(["Uint8Array", "Uint8ClampedArray", "DataView"]);

/**
 * Bytes in memory as one kind of array, without copying where nobody else may write to them; undefined for everything else.
 *
 * @throws UsageError for bytes that were transferred to another thread
 */
export function bytesInMemory(value: unknown): Uint8Array | undefined {
  try {
    return viewOf(value);
  } catch {
    // Older versions of Node have no way to ask whether a buffer is detached.
    throw new UsageError(
      "these bytes were transferred to another thread, and are gone",
      "hand over a copy to one of the two: bytes.slice()",
    );
  }
}

function viewOf(value: unknown): Uint8Array | undefined {
  const brand = brandOf(value);
  if (brand === "ArrayBuffer") return new Uint8Array(value as ArrayBuffer);
  if (brand === "SharedArrayBuffer") return Uint8Array.from(new Uint8Array(value as SharedArrayBuffer));
  if (!ArrayBuffer.isView(value) || !BYTE_VIEWS.has(brand)) return undefined;
  const { buffer, byteOffset, byteLength } = value;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (brandOf(buffer) === "SharedArrayBuffer") return Uint8Array.from(bytes);
  return value instanceof Uint8Array ? value : bytes;
}

export function isUrl(value: unknown): value is UrlLike {
  return brandOf(value) === "URL" && typeof (value as UrlLike).href === "string";
}

/**
 * All bytes of a source; undefined when it is none.
 *
 * @param what what is read, for messages: "a picture file"
 * @param reserve called with the number of bytes before they are read, where it is known
 * @throws LimitError when there are more than `maxBytes`, NetworkError when a response is no success
 */
export async function readBytes(
  source: unknown,
  what: string,
  maxBytes: number,
  reserve?: (bytes: number) => Promise<void>,
): Promise<Uint8Array | undefined> {
  const inMemory = bytesInMemory(source);
  if (inMemory !== undefined) return inMemory;
  const brand = brandOf(source);
  if (brand === "Blob" || brand === "File") {
    const blob = source as BlobLike;
    if (blob.size > maxBytes) throw new LimitError(what, blob.size, maxBytes, "bytes");
    await reserve?.(blob.size);
    return bytesInMemory(await blob.arrayBuffer());
  }
  return brand === "Response" ? readBody(source as ResponseLike, what, maxBytes, reserve) : undefined;
}

async function readBody(
  response: ResponseLike,
  what: string,
  maxBytes: number,
  reserve?: (bytes: number) => Promise<void>,
): Promise<Uint8Array> {
  if (!response.ok)
    throw new NetworkError(`the response has status ${response.status}, not ${what}`, {
      data: { status: response.status },
    });
  if (response.bodyUsed)
    throw new UsageError("the response has been read already", "hand over a fresh one, or the bytes read from it");
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      throw new LimitError(what, length, maxBytes, "bytes");
    }
    await reserve?.(part.value.length);
    chunks.push(part.value);
  }
  return joinBytes(chunks);
}

/** All that a stream gives. Throws LimitError, and reads no further, when that is more than `maxBytes`. */
export async function readAtMost(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  what = "standard input",
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > maxBytes) throw new LimitError(what, bytes, maxBytes, "bytes");
    parts.push(part);
  }
  return joinBytes(parts);
}

/** All of them behind each other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What to call a value in a sentence: "null", "a Float32Array", "an object with the fields data, info". */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value !== "object") return `the ${typeof value} ${String(value)}`;
  const brand = brandOf(value);
  if (brand === "Promise") return "a promise: await it first";
  const name = brand === "Object" ? (nameOfClass(value) ?? "Object") : brand;
  if (name !== "Object") return withArticle(name === "Array" ? "array" : name);
  const fields = Object.keys(value);
  if (fields.length === 0) return "an empty object";
  return `an object with the fields ${fields.slice(0, 6).join(", ")}${fields.length > 6 ? ", …" : ""}`;
}

/** "Uint8Array", "Blob", "Object", whichever realm the value is from. */
const brandOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

function nameOfClass(value: object): string | undefined {
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? name : undefined;
}

const withArticle = (noun: string): string => `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;
