// Records of a file that only grows: a key, numbers, and a checksum. Programs append whole records; what a killed one left torn, or a disk
// damaged, is passed over, and never taken for a vector.
import { crc32 } from "../../weights/crc32.ts";

/** Each record begins so: where one is torn, the next is found by it. */
const MARK = Uint8Array.of(0x93, 0x53, 0x41, 0x43, 0x46, 0x45, 0x0d, 0x0a);
/** Digits of a key are kept as bytes: 32 of a SHA-256. */
const KEY_BYTES = 32;
const HEAD_BYTES = MARK.length + KEY_BYTES + 4;
const CHECK_BYTES = 4;

/** The bytes of a record: the mark, the key, how many numbers there are, the numbers, and the CRC-32 of all but the mark. */
export function featureRecord(key: string, values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + 4 * values.length + CHECK_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MARK);
  for (let i = 0; i < KEY_BYTES; i++) bytes[MARK.length + i] = Number.parseInt(key.slice(2 * i, 2 * i + 2), 16);
  view.setUint32(HEAD_BYTES - 4, values.length, true);
  values.forEach((value, i) => {
    view.setFloat32(HEAD_BYTES + 4 * i, value, true);
  });
  const end = bytes.length - CHECK_BYTES;
  view.setUint32(end, crc32(bytes.subarray(MARK.length, end)), true);
  return bytes;
}

/** Where each key's record begins, of those that are whole; of several with one key the last. */
export function indexFeatures(bytes: Uint8Array): Map<string, number> {
  const found = new Map<string, number>();
  let at = nextMark(bytes, 0);
  while (at < bytes.length) {
    const end = wholeEnd(bytes, at);
    if (end !== undefined) found.set(keyAt(bytes, at), at);
    at = nextMark(bytes, end ?? at + 1);
  }
  return found;
}

/** The numbers of the whole record that begins here. */
export function readFeatures(bytes: Uint8Array, at: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at + HEAD_BYTES - 4);
  return Float32Array.from({ length: view.getUint32(0, true) }, (_, i) => view.getFloat32(4 + 4 * i, true));
}

/** Where a record ends; undefined where it is cut, or its checksum is another. */
function wholeEnd(bytes: Uint8Array, at: number): number | undefined {
  if (at + HEAD_BYTES + CHECK_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = at + HEAD_BYTES + 4 * view.getUint32(at + HEAD_BYTES - 4, true) + CHECK_BYTES;
  if (end > bytes.length) return undefined;
  const checked = end - CHECK_BYTES;
  return crc32(bytes.subarray(at + MARK.length, checked)) === view.getUint32(checked, true) ? end : undefined;
}

function keyAt(bytes: Uint8Array, at: number): string {
  const key = bytes.subarray(at + MARK.length, at + MARK.length + KEY_BYTES);
  return Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const isMark = (bytes: Uint8Array, at: number) => MARK.every((byte, i) => bytes[at + i] === byte);

function nextMark(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(MARK[0]!, from); at >= 0; at = bytes.indexOf(MARK[0]!, at + 1))
    if (isMark(bytes, at)) return at;
  return bytes.length;
}
