// gzip files, inflated piece by piece so that one which unpacks to far more than anybody meant is noticed early.

import { Gunzip } from "fflate";
import { joinBytes } from "./byte-sources.ts";
import { FormatError, LimitError } from "./errors.ts";

/** More than any of the data sets that come as .gz. */
const MAX_UNPACKED = 4 * 2 ** 30;
const CHUNK = 2 ** 20;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * What a gzip file holds. Bytes that are no gzip file come back as they are.
 *
 * @throws FormatError when it is damaged or cut off, LimitError when it unpacks to more than `maxBytes`
 */
export function gunzip(bytes: Uint8Array, name: string, maxBytes = MAX_UNPACKED): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  const parts: Uint8Array[] = [];
  let total = 0;
  let ended = false;
  const stream = new Gunzip((part, final) => {
    total += part.length;
    if (total > maxBytes) throw new LimitError(name, total, maxBytes, "bytes");
    parts.push(part);
    ended ||= final;
  });
  try {
    for (let at = 0; at < bytes.length; at += CHUNK)
      stream.push(bytes.subarray(at, at + CHUNK), at + CHUNK >= bytes.length);
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw new FormatError("gzip", `${name} is damaged or cut off`, { cause: error, hint: "download it again" });
  }
  if (!ended) throw new FormatError("gzip", `${name} is cut off`, { hint: "download it again" });
  return joinBytes(parts);
}
